/*
 * packet: an answer of the DNS as it stands on the wire (RFC 1035 4.1), made into records, and a
 * name made into what is asked for. The bytes come from strangers: a name's pointers lead only
 * backwards, and a record that is not well formed is left out.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_PACKET_H
#define POTERNE_GATEWAY_RESOLVER_PACKET_H

#include "sender/dns.h"

struct packet_answer {
    enum dns_status status;
    uint32_t ttl; /* the least of all that led to it; of a negative answer its SOA's */
    struct dns_record *records;
    size_t n;
    struct str canonical; /* behind aliases: the records' owner; empty: no alias, or no text */
};

/* Follows the aliases in it. Records live in the pool. What is malformed, and what says neither yes
 * nor no, is DNS_TEMP_FAILED. */
void packet_read(struct str packet, enum dns_type type, struct pool *pool,
                 struct packet_answer *answer);

/* Each byte of a name may take four. */
#define PACKET_NAME_TEXT (4 * DNS_NAME_MAX + 2)

/* A name in the writing of zone files, with what would mean something there escaped. False: it
 * can't be asked for. */
bool packet_name_text(struct str name, char out[PACKET_NAME_TEXT]);

#endif
