/*
 * dns_memo: stands before a source for the time of one message and remembers every answer, so that
 * what was asked ahead in one round costs nothing when it is asked for again; and it counts.
 */
#ifndef POTERNE_SENDER_DNS_MEMO_H
#define POTERNE_SENDER_DNS_MEMO_H

#include "sender/dns.h"

#define DNS_MEMO_MAX 2000 /* different questions of one message; those behind fail */

struct dns_memo;

struct dns_memo_count {
    size_t rounds; /* times that the source was waited for */
    size_t asked;  /* different questions */
    size_t failed; /* of these: no answer, or a forged one */
};

/* Lives in the pool, as do all answers; the source must stay. NULL: out of memory. */
struct dns_memo *dns_memo_new(struct pool *pool, const struct dns_source *source);
struct dns_source dns_memo_source(struct dns_memo *memo);
struct dns_memo_count dns_memo_count(const struct dns_memo *memo);

#endif
