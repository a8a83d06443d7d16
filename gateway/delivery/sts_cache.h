/*
 * sts_cache: the MTA-STS policies that were fetched, a file a domain in STATE_DIR/sts, so that a
 * restart forgets none: an attacker who keeps a domain's policy away must do so for all of its
 * max_age (RFC 8461 5.1, 10.2). A file is
 *     poterne sts 2 LF id LF FETCHED LF WANTED LF policy as it came
 * (seconds since 1970 at which it was fetched, and fetched for mail; the version 1 lacks the
 * second) and its time stamp is when it ends. What can't be read counts as not there.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_STS_CACHE_H
#define POTERNE_GATEWAY_DELIVERY_STS_CACHE_H

#include "gateway/client/workers.h"
#include "gateway/delivery/sts_policy.h"

#define STS_REFRESH   86400        /* seconds: one that is older is fetched again */
#define STS_UNUSED    (30 * 86400) /* … but not one that no mail has wanted for so long */
#define STS_CACHE_MAX 20000        /* files; beyond it those that have ended go, then any */

struct sts_cache;

/* The folder must be there. NULL with err. */
struct sts_cache *sts_cache_open(const char *state_dir, struct err *err);
void sts_cache_close(struct sts_cache **cache);

struct sts_entry {
    char id[STS_ID_MAX + 1];
    int64_t fetched; /* seconds since 1970 … */
    int64_t wanted;  /* … and when it was fetched for mail */
    struct sts_policy *policy;
};

/* Has half of its time gone, or a day? */
bool sts_entry_old(const struct sts_entry *entry, int64_t now);

/* Of a domain in its normal form; false: there is none that still holds. entry->policy is the
 * caller's. */
bool sts_cache_load(struct sts_cache *cache, const char *domain, int64_t now,
                    struct sts_entry *entry);
/* Written and fsync'd by a thread; a mistake is logged. The cache must stay until the workers have
 * stopped. */
void sts_cache_store(struct sts_cache *cache, struct workers *workers, const char *domain,
                     const struct sts_entry *entry, struct str text);
/* Domains whose policy still holds, is old and was wanted within STS_UNUSED: how many; of more than
 * `max` any. Reads the whole folder: for a thread. */
size_t sts_cache_old(struct sts_cache *cache, int64_t now, char (*names)[DOMAIN_SIZE], size_t max);

#endif
