/*
 * arc: the chain of those who handed a message on and sealed what they saw of it (RFC 8617).
 *
 *   none       nobody has sealed it
 *   pass       every seal is good, and so is the newest signature of the message
 *   fail       one is not, the chain has a gap, or somebody found it broken before
 *   temperror  a key could not be asked for now (RFC 8617 has no word for it)
 */
#ifndef POTERNE_SENDER_ARC_H
#define POTERNE_SENDER_ARC_H

#include "base/err.h"
#include "base/pool.h"
#include "sender/dns.h"

#define ARC_SETS_MAX   50           /* RFC 8617 4.2.1; more: fail */
#define ARC_TAGS_MAX   50           /* tags of one field; more: fail */
#define ARC_HEADER_MAX (256 * 1024) /* bytes of all ARC fields; more: fail */
#define ARC_FIELDS_MAX 5000         /* header fields of a message with a chain; more: fail */
#define ARC_SIGNED_MAX (512 * 1024) /* bytes of header that one signature may cover */

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

struct arc_hop {
    struct str sealer;  /* d= of its ARC-Seal */
    struct str results; /* value of its ARC-Authentication-Results */
};

struct arc_answer {
    enum arc_result result;
    unsigned n;                        /* sets */
    struct arc_hop hops[ARC_SETS_MAX]; /* of instance 1, 2 …; to be believed only with pass */
    struct str reason;                 /* why not pass */
};

/* Names of the keys that arc_check() will ask for, added to the *n queries of `max`. */
void arc_ahead(struct str raw, struct pool *pool, struct dns_query *queries, size_t *n, size_t max);

/* The message as it was received. Texts are views of raw or live in the pool. -1: out of memory. */
int arc_check(struct str raw, const struct dns_source *dns, struct pool *pool,
              struct arc_answer *answer, struct err *err);

/*
 * Whether somebody who is trusted says that DMARC passed for this author (header.from) when he saw
 * the message:
 * the chain is good, the hop that says so and all those behind it are sealed by a domain of
 * `trusted` (or one below it).
 */
bool arc_vouches(const struct arc_answer *answer, const char *const *trusted, size_t n,
                 struct str author);

const char *arc_result_name(enum arc_result result);

/* Loads what OpenSSL reads from files; once, before a sandbox. */
int arc_preload(struct err *err);

#endif
