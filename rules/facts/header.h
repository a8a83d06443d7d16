/*
 * header: what SpamAssassin's get() finds in a message's header (PerMsgStatus.pm, Message/Node.pm,
 * Util.pm of 4.0.1): fields decoded or raw, their addresses, names, hosts and IP addresses, and the
 * fields that are no fields (ALL, ToCc, EnvelopeFrom, MESSAGEID, X-Spam-Relays-…).
 * A value ends with its line end, unless an address, name, host or the like was cut out of it.
 */
#ifndef POTERNE_RULES_HEADER_H
#define POTERNE_RULES_HEADER_H

#include "rules/facts/facts.h"
#include "rules/language/query.h"

#define HEADER_VALUE_MAX  8192        /* bytes of one field that are looked at; SpamAssassin's */
#define HEADER_ALL_MAX    65536       /* bytes of ALL; SpamAssassin's */
#define HEADER_TEXT_MAX   (64 * 1024) /* bytes of all values of one query together */
#define HEADER_VALUES_MAX 2000        /* values of one query */
#define HEADER_CUT_MAX    251         /* bytes of a host name that :host finds */

struct fact_values {
    struct str *list;
    size_t n;
    bool truncated; /* a limit was hit */
};

struct fact_part; /* parts.h */

/* All that a query finds, in order; n is 0 when there is nothing. */
const struct fact_values *facts_header(struct facts *facts, const struct query *query);

/*
 * For evals: the query as it stands in a rule ("From:addr"), each made once. All of them joined
 * as a header rule sees them, or only the first for :addr, :name, :host, :domain, :ip, :revip and
 * EnvelopeFrom. .s NULL: there is none (facts->no_memory: or no memory).
 */
struct str facts_get(struct facts *facts, const char *request);
/* All of them. Never NULL: what can't be made for want of memory is empty, and facts->no_memory
 * is set. */
const struct fact_values *facts_get_all(struct facts *facts, const char *request);

/*
 * The text that a rule's query is matched with: of the message, or for a mimeheader rule of one
 * part of SpamAssassin's tree. .s NULL: no such field. `truncated` is set, and left alone
 * otherwise, when a limit cut it. -1: no memory.
 */
int header_find(struct facts *facts, const struct query *query, struct str *text, bool *truncated);
int header_find_in_part(struct facts *facts, const struct fact_part *part,
                        const struct query *query, struct str *text, bool *truncated);

/* The sender's address as the server got it, or as the header tells; .s NULL: not known. */
struct str facts_envelope_from(struct facts *facts);
/* Addresses of From and its kind, of To and its kind, each once (all_from_addrs, all_to_addrs). */
const struct fact_values *facts_from_addresses(struct facts *facts);
const struct fact_values *facts_to_addresses(struct facts *facts);

/* A raw value unfolded, its encoded words decoded (but in fields that can have none), as UTF-8.
 * .s NULL: the pool is used up. */
struct str header_decode(struct pool *pool, struct str name, struct str raw);

#endif
