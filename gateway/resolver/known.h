/*
 * known: what one message asked the DNS so far and what was answered, as content and edge hand it
 * to each other when a message has to wait (gateway/scan.h), so that nobody is asked twice:
 *     records × (u8 kind, str message)           kind: enum known_kind
 * in which a message is one of the resolver's protocol, as it went over the connection.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_KNOWN_H
#define POTERNE_GATEWAY_RESOLVER_KNOWN_H

#include "gateway/resolver/protocol.h"

/* Bytes of all records of a message. An answer that does not fit counts as none. Large ones have a
 * part of their own, so that no sender's can take the room of a list's or of DMARC's: with the
 * default of resolver.queries_per_message what is small always finds room. */
#define KNOWN_MAX       ((size_t)512 * 1024)
#define KNOWN_SMALL     768 /* bytes of an answer; beyond it is a large one */
#define KNOWN_LARGE_MAX ((size_t)192 * 1024)

enum known_kind {
    KNOWN_QUESTIONS = 1,
    KNOWN_ANSWER = 2,
    KNOWN_AGAIN = 3 /* u32 number, of a question that is to be asked again */
};

void known_put(struct buf *records, enum known_kind kind, struct str message);
/* Bytes that a message takes in there. */
size_t known_size(struct str message);

struct known;

/* Everything lives in the pool, and names in `records`. NULL: malformed, or no memory. */
struct known *known_read(struct pool *pool, struct str records);
/* The highest number of a question; 0: there is none. */
uint32_t known_last(const struct known *known);
/* Fills in the answer to a question that was asked before: DNS_TEMP_FAILED where none came. False:
 * it was not asked. */
bool known_answer(const struct known *known, struct dns_query *query);

#endif
