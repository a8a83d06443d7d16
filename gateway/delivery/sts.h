/*
 * sts: finds out the MTA-STS policy of a domain that mail goes to (RFC 8461): a record in the DNS
 * tells of it, an HTTPS server of the domain has it, and once fetched it holds for its max_age,
 * over restarts.
 *
 *   sts_look() ─► kept one? ─► TXT _mta-sts.DOMAIN ─ same id, or nothing known ────────► known()
 *                                    └─ another id, or it grows old ─► https ─► read ─► keep ─┘
 *
 * One that is kept is fetched anew when it has been for a day, or half of its time: for mail, and
 * without any as long as there was some lately (sts_refresh.h).
 *
 * What can't be had changes nothing: a policy that is kept holds on to its end, and a domain of
 * which none is kept is sent to as one without (RFC 8461 5.1). Mail of the domain waits for the
 * answer, within STS_FETCH_MS; no other does.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_STS_H
#define POTERNE_GATEWAY_DELIVERY_STS_H

#include "gateway/client/proof.h"
#include "gateway/client/workers.h"
#include "gateway/delivery/sts_cache.h"
#include "gateway/fetch/desk.h"
#include "gateway/resolver/desk.h"

#define STS_FETCH_MS      (60 * 1000) /* RFC 8461 3.3 */
#define STS_RETRY_SECONDS 300         /* so long what could not be fetched is not tried again */
#define STS_WHY_SIZE      200

/* Of the process. */
struct sts {
    struct dns_desk *dns;
    struct fetch_desk *fetch;
    struct sts_cache *cache;
    struct workers *workers;
};

/* Of a domain; zeroed at first. */
struct sts_domain {
    const struct sts *sts;
    const char *domain;      /* normal form */
    bool begun;              /* what is kept was looked at */
    bool unasked;            /* no mail wants it: sts_refresh.h. Its owner's to set */
    bool busy;               /* known() comes */
    struct sts_entry entry;  /* .policy NULL: none */
    char id[STS_ID_MAX + 1]; /* that the DNS told of last */
    int64_t retry_at;        /* seconds since 1970 */
    /* Why it could not be had the last time that it was tried, for reports … */
    enum proof_fault fault;
    char why[STS_WHY_SIZE]; /* … and for people */
    void (*known)(void *asker);
    void *asker;
};

/* known() comes once, perhaps before this returns. The domain must stay until then. */
void sts_look(const struct sts *sts, struct sts_domain *domain, const char *name,
              void (*known)(void *asker), void *asker);
/* What holds now; NULL: nothing. */
const struct sts_policy *sts_policy_of(const struct sts_domain *domain);
void sts_domain_release(struct sts_domain *domain);

#endif
