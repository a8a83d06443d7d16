/*
 * outside: next hops for domains that are not ours: one for each domain that is gone to by MX, one
 * for each list of servers that the settings name (route.h). Each is made when the first recipient
 * needs it, asks the DNS which servers it is (mx.h) when something shall leave, keeps what it heard
 * as long as its TTL says within bounds, and goes when nobody has needed it for a while. Messages
 * whose senders asked for REQUIRETLS, or to waive what the domain has published (RFC 8689), have
 * hops of their own, since that decides how a connection begins and which servers it goes to.
 *
 *   hop_kick() ─► outside_ready()? ─ no ─┬► MX ─► A, AAAA ─► TLSA ─┬► servers   ─► hop_kick()
 *                       │                └► MTA-STS policy ────────┤► not known ─► hop_failed()
 *                      yes                                         └► never     ─► all are refused
 */
#ifndef POTERNE_GATEWAY_DELIVERY_OUTSIDE_H
#define POTERNE_GATEWAY_DELIVERY_OUTSIDE_H

#include "gateway/delivery/mx.h"
#include "gateway/delivery/policy.h"

#define OUTSIDE_HOPS_MAX  20000 /* domains at once; for others it is tried later */
#define OUTSIDE_TTL_MIN   60    /* seconds that an answer is kept at least … */
#define OUTSIDE_TTL_MAX   3600  /* … and at most */
#define OUTSIDE_NEVER_TTL 60    /* … where nothing can be delivered */
#define OUTSIDE_KEEP      60    /* seconds that a hop is kept without work */
#define OUTSIDE_OWN_MAX   64    /* addresses that we listen on */
#define OUTSIDE_TURN      20    /* messages over one connection while others wait for their first */
#define OUTSIDE_PATIENCE  20    /* seconds likewise, for a server that has not greeted */

struct delivery;
struct hop;
struct lookup; /* of a hop */
struct outside;

/* Which addresses mail comes in on, those of all interfaces where a setting says so: asked before
 * the sandbox closes. How many. */
size_t outside_own_addresses(const struct conf *conf, struct mx_own own[OUTSIDE_OWN_MAX]);

int outside_start(struct delivery *delivery, struct err *err);
/* No answer comes any more; the hops stay for hops_free(). */
void outside_stop(struct delivery *delivery);
/* Once a second. */
void outside_tick(struct delivery *delivery);

/* The hop of a domain, for messages whose senders asked for that. 1; 0: the settings name none; -1:
 * there are too many, or no memory. */
int outside_hop(struct delivery *delivery, struct str domain, enum policy_asked asked,
                struct hop **hop);
/* Its servers are known. If not it is kicked, or fails, when they are; where they can't be known
 * and it has lanes, whoever kicks it next asks again. */
bool outside_ready(struct hop *hop);
/* It may open a lane; if not it is kicked when there is room. */
bool outside_has_room(struct hop *hop);
/* What who stands in its line waits for, beside lanes of its own. False: nothing. */
bool outside_why_it_waits(const struct hop *hop, char *why, size_t size);
/* One of its lanes, which has served so many messages, is to be given to others: it has no more for
 * it, or they have none, or fewer. */
bool outside_should_yield(const struct hop *hop, unsigned served);
/* hop->n_lanes counts it already, or no longer. */
void outside_lane_opened(struct hop *hop);
void outside_lane_closed(struct hop *hop);
/* The domain's MTA-STS policy; NULL: none. */
const struct sts_policy *outside_sts(const struct hop *hop);
/* Why it could not be had, or not anew; FAULT_NONE: there is none, or it could. */
enum proof_fault outside_sts_fault(const struct hop *hop, const char **why);
/* What the DNS said is asked anew. */
void outside_forget(struct hop *hop);
void lookup_free(struct lookup **lookup);

#endif
