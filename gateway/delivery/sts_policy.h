/*
 * sts_policy: what a domain says by MTA-STS of the servers that take its mail (RFC 8461): the
 * record that tells of a policy (3.1), the policy itself (3.2), and whether a server is in it
 * (4.1). Pure: all of it was written by strangers.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_STS_POLICY_H
#define POTERNE_GATEWAY_DELIVERY_STS_POLICY_H

#include "base/domain.h"
#include "base/err.h"
#include "sender/dns.h"

#define STS_ID_MAX      32
#define STS_BYTES_MAX   ((size_t)64 * 1024) /* of a policy (RFC 8461 3.2) */
#define STS_MX_MAX      64                  /* patterns in one; a policy with more is none */
#define STS_MAX_AGE_MAX 31557600            /* seconds: a year */

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

/* One block of memory. */
struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age; /* seconds that it holds from when it was fetched */
    size_t n_mx;
    struct str mx[STS_MX_MAX]; /* "mx.a.example" or "*.a.example", normal forms */
    size_t n_bytes;
    char bytes[];
};

/* The id of the one record of _mta-sts.DOMAIN that counts; false: there is none, or several. */
bool sts_find_id(const struct dns_record *records, size_t n, char id[STS_ID_MAX + 1]);
/* free() it. NULL: err says what is wrong with it. */
struct sts_policy *sts_policy_read(struct str text, struct err *err);
/* `host` in normal form. A star stands for one label, the leftmost. */
bool sts_policy_lists(const struct sts_policy *policy, const char *host);
const char *sts_mode_name(enum sts_mode mode); /* "enforce" */

#endif
