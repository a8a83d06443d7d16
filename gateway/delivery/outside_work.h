/* outside, between its files: what a hop for another domain has beside, and what all of these
 * share. */
#ifndef POTERNE_GATEWAY_DELIVERY_OUTSIDE_WORK_H
#define POTERNE_GATEWAY_DELIVERY_OUTSIDE_WORK_H

#include "base/siphash.h"
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/outside.h"
#include "gateway/delivery/sts_refresh.h"
#include "gateway/resolver/desk.h"
#include "gateway/smtp/address.h"

#define OUTSIDE_SLOTS     4096
#define OUTSIDE_NAME_SIZE (SMTP_DOMAIN_MAX + sizeof "smtp://:65535")

/* What a hop for another domain has beside. */
struct lookup {
    struct hop *same_hash;
    struct hop *waits_before, *waits_behind; /* for a lane */
    struct hop *lanes_before, *lanes_behind; /* in the list of those that have lanes */
    struct waiting *waits;                   /* where; NULL: it does not */
    bool never;                              /* what was heard is that nothing can be delivered */
    struct mx *mx;                           /* while it is being asked */
    unsigned open;                           /* questions about addresses, or about TLSA records */
    bool gathered;                           /* all answers about servers are there */
    struct sts_domain sts;
    int64_t fresh_until;          /* monotonic seconds: what was heard holds */
    int64_t ask_at;               /* likewise: who has lanes does not ask before */
    int64_t unused_since;         /* 0: it is in use */
    char name[OUTSIDE_NAME_SIZE]; /* the domain, or the first of the servers */
};

struct waiting {
    struct hop *first, *last;
};

struct outside {
    struct dns_desk *desk; /* NULL: nothing is looked up */
    struct networks never_to;
    struct mx_us us;
    bool dane;
    struct sts sts; /* .fetch NULL: no policies are fetched */
    struct sts_refresh *refresh;
    unsigned char key[SIPHASH_KEY_SIZE];
    struct hop *slots[OUTSIDE_SLOTS];
    size_t n;
    unsigned lanes;
    struct waiting for_first, for_more; /* wait for a lane; who has none is served before */
    struct hop *granted;                /* whose turn it is to open one */
    struct hop *with_lanes;             /* as many as there are lanes, at most */
    struct event *turn;                 /* one of those who wait may have it */
    int64_t sweep_at;
};

/* outside_share.c: connections to all other domains are handed out, when something has changed. */
void outside_share_out(struct delivery *delivery);
/* Servers that take a connection and say nothing may hold it for minutes (RFC 5321 4.5.3.2.1), but
 * not while there is none for others. `now` in monotonic seconds. */
void outside_close_silent(struct delivery *delivery, int64_t now);

#endif
