/*
 * targets: the servers that a next hop may be, in the order in which they are preferred: those that
 * the settings list, or those that the DNS names. Who opens a connection takes one after the other
 * until one is there. What failed is passed over for a while, as long as another one is left; then
 * it is tried again, by one connection and not by all at once.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_TARGETS_H
#define POTERNE_GATEWAY_DELIVERY_TARGETS_H

#include <netinet/in.h>

#include "base/conf.h"
#include "base/domain.h"
#include "gateway/client/tlsa.h"
#include "gateway/delivery/sts_policy.h"

#define TARGETS_MAX      32 /* of one next hop; at most 64, a bit for each */
#define TARGET_HOSTS_MAX 16 /* names that they have */
#define TARGET_NONE      SIZE_MAX
#define TARGET_TEXT_SIZE                                                                           \
    (DOMAIN_SIZE + INET6_ADDRSTRLEN + 16) /* "mx1.example.org [192.0.2.5]:25" */

/* What is known of a server by its name, whichever of its addresses it is met at. */
struct target_host {
    struct tlsa *tlsa;     /* proved by DNSSEC; NULL: it has none */
    const char *tlsa_name; /* that they are of: `name`, or … */
    char *canonical;       /* … what it is an alias for; NULL: they are not of that */
    enum sts_mode sts;     /* of the policy of whose mail it is … */
    bool listed;           /* … which names it */
    bool secure;           /* DNSSEC proved that it is one of its domain's servers */
    char name[];
};

struct target {
    struct conf_hop place;
    const struct target_host *who; /* NULL: it has no name */
    unsigned failures;             /* since it worked last */
    int64_t down_until;  /* monotonic seconds: not tried before, where another one is left */
    int64_t plain_until; /* likewise: TLS did not work, so it is not tried before */
    char *texts;         /* where the settings do not name it: what `place` points to; else NULL */
};

/* Shared by the hop and its lanes; once it is, nothing is added and the order never changes. There
 * are as many of these as domains that mail waits for: each takes no more than it has. */
struct targets {
    unsigned users;
    bool partial; /* there may be others, of which too little is known now */
    size_t n, room;
    struct target *list;
    size_t n_hosts;
    struct target_host *hosts[TARGET_HOSTS_MAX];
};

/* One user, without servers; NULL: out of memory. */
struct targets *targets_new(void);
/* The same from the settings, whose texts must outlive it. */
struct targets *targets_of(const struct conf_hops *hops);
/* The one of that name, made if it is new. NULL: no room. */
struct target_host *targets_host(struct targets *targets, const char *name);
/* A server that was found, with its name or ""; false when there is no room. Pointers into the list
 * hold no longer. */
bool targets_add(struct targets *targets, const char *name, const char *address, uint16_t port);
/* One of the settings, whose texts must outlive it. */
bool targets_add_place(struct targets *targets, const struct conf_hop *place);
struct targets *targets_hold(struct targets *targets);
void targets_drop(struct targets **targets);

/* The best that is not among those tried (a bit each), one that is down only where no other is
 * left; TARGET_NONE: all were tried. */
size_t targets_next(const struct targets *targets, uint64_t tried, int64_t now);
/* It is being tried: if it failed before, others pass it over for `pause` seconds. */
void target_begin(struct target *target, int64_t now, unsigned pause);
void target_failed(struct target *target, int64_t now, unsigned pause);
void target_works(struct target *target);
/* All may be tried. */
void targets_hurry(struct targets *targets);

#endif
