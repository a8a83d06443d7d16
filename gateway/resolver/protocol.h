/*
 * protocol: what is said on resolver.sock (base/ipc.h), in the bytes of base/wire.h.
 *
 * The asker's first message says what its connection is for:
 *     u8 RESOLVER_MESSAGE, u32 queries, u32 milliseconds    one mail message, and what it may ask
 *     u8 RESOLVER_LASTING                                   many, over a long time (desk.h)
 *     u8 RESOLVER_STATUS                                    one reply, resolver_status_put()
 * Who opens a connection for somebody else (edge for content) sends it and hands over the
 * descriptor: what was said first can't be said again, and the resolver holds to it. It may be less
 * than the settings allow, never more.
 *
 * Then come messages of questions, any number of
 *     u32 number, u8 type, str name
 * and each gets one answer, a message of its own, in any order:
 *     u32 number, u8 status, u8 flags, u32 ttl, u32 records, records × (u32 preference, str data),
 *     str canonical
 * A question whose time is over is answered too: DNS_TEMP_FAILED. Whoever breaks these rules is cut
 * off.
 *
 * Questions asked while none is open are a round. The time for a mail message runs from its first
 * one on, and no round may take more than resolver_round_ms() of what is left: a name at a silent
 * server (a sender may choose one) fails alone, and does not take the others' time with it.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_PROTOCOL_H
#define POTERNE_GATEWAY_RESOLVER_PROTOCOL_H

#include "base/ipc.h"
#include "base/wire.h"
#include "sender/dns.h"

enum resolver_kind { RESOLVER_MESSAGE = 1, RESOLVER_LASTING = 2, RESOLVER_STATUS = 3 };

#define RESOLVER_SECURE 1 /* DNSSEC proved it */
#define RESOLVER_CACHED 2 /* nobody had to be asked */

/* Seconds that "there is nothing" is kept at most: less than the pause between two self-checks of a
 * list (gateway/edge/lists.h). Otherwise a list that came back would be held for empty, and one
 * that began to hold everybody for good, by the cache. */
#define RESOLVER_NOTHING_TTL 240

/* Bytes of an answer; records that would go beyond are left out. */
#define RESOLVER_ANSWER_MAX (IPC_MSG_MAX - 1024)

struct resolver_budget {
    enum resolver_kind kind;
    uint32_t queries, milliseconds; /* RESOLVER_MESSAGE */
};

#define RESOLVER_ROUND_MIN_MS 100 /* no round gets less, unless less is left */

/* Milliseconds for the next round with so many left of the message's time; 0: it is over. */
static inline int64_t resolver_round_ms(int64_t left)
{
    if (left <= 0)
        return 0;
    if (left / 2 >= RESOLVER_ROUND_MIN_MS)
        return left / 2;
    return left < RESOLVER_ROUND_MIN_MS ? left : RESOLVER_ROUND_MIN_MS;
}

void resolver_budget_put(struct buf *out, const struct resolver_budget *budget);
bool resolver_budget_get(struct str message, struct resolver_budget *budget);

/* Adds one to a message of questions. */
void resolver_question_put(struct buf *out, uint32_t number, enum dns_type type, struct str name);
/* Takes one off; false at the end, or with w->bad where it is malformed. */
bool resolver_question_get(struct wire *w, uint32_t *number, enum dns_type *type, struct str *name);

struct resolver_answer {
    uint32_t number;
    enum dns_status status;
    unsigned flags;
    uint32_t ttl;
    const struct dns_record *records;
    size_t n;
    struct str canonical; /* the records' owner, where the name that was asked for is an alias */
};

void resolver_answer_put(struct buf *out, const struct resolver_answer *answer);
/* Records are in the pool, copied; false: malformed, or no memory. */
bool resolver_answer_get(struct str message, struct pool *pool, struct resolver_answer *answer);
/* Into the query that it answers, which has the answer's records then. */
void resolver_answer_fill(const struct resolver_answer *answer, struct dns_query *query);
/* The number alone, to find out whose answer it is. */
bool resolver_answer_number(struct str message, uint32_t *number);

/* What the resolver says of itself; counted since it started. */
struct resolver_status {
    uint64_t questions;
    uint64_t cached;   /* of these: known already */
    uint64_t found;    /* … with records */
    uint64_t nothing;  /* … no such name, or nothing of that type */
    uint64_t failed;   /* … nobody knows */
    uint64_t bogus;    /* … refused by DNSSEC */
    uint64_t refused;  /* … above a budget or a limit */
    uint64_t secure;   /* … proved by DNSSEC */
    uint64_t open;     /* being asked now */
    uint64_t askers;   /* connections now */
    uint64_t mean_us;  /* of those that were asked and answered */
    uint64_t outages;  /* how often the servers fell silent */
    uint32_t servers;  /* 0: from the root on */
    uint8_t dnssec;    /* is checked */
    uint8_t away;      /* the servers are silent now … */
    uint64_t away_for; /* … for so many seconds */
    uint64_t up;       /* seconds since the start */
};

void resolver_status_put(struct buf *out, const struct resolver_status *status);
bool resolver_status_get(struct str message, struct resolver_status *status);

#endif
