/*
 * sts_cache: the MTA-STS policies that were fetched, a file a domain in STATE_DIR/sts, so that a
 * restart forgets none: an attacker who keeps a domain's policy away must do so for all of its
 * max_age (RFC 8461 5.1, 10.2). A file is
 *     poterne sts 1 LF id LF seconds since 1970 at which it was fetched LF policy as it came
 * and its time stamp is when it ends. What can't be read counts as not there.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_STS_CACHE_H
#define POTERNE_GATEWAY_DELIVERY_STS_CACHE_H

#include "gateway/client/workers.h"
#include "gateway/delivery/sts_policy.h"

#define STS_CACHE_MAX 20000 /* files; beyond it those that have ended go, then any */

struct sts_cache;

/* The folder must be there. NULL with err. */
struct sts_cache *sts_cache_open(const char *state_dir, struct err *err);
void sts_cache_close(struct sts_cache **cache);

struct sts_entry {
    char id[STS_ID_MAX + 1];
    int64_t fetched; /* seconds since 1970 */
    struct sts_policy *policy;
};

/* Of a domain in its normal form; false: there is none that still holds. entry->policy is the
 * caller's. */
bool sts_cache_load(struct sts_cache *cache, const char *domain, int64_t now,
                    struct sts_entry *entry);
/* Written and fsync'd by a thread; a mistake is logged. The cache must stay until the workers have
 * stopped. */
void sts_cache_store(struct sts_cache *cache, struct workers *workers, const char *domain,
                     const char *id, int64_t fetched, uint32_t max_age, struct str text);

#endif
