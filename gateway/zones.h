/*
 * zones: which of the DNS lists that rules ask can be believed? Each must hold its test entries and
 * not hold what no list may (RFC 5782 5: 127.0.0.2 and 127.0.0.1, TEST and INVALID). One that is
 * dead, refuses us, is silent or holds everybody is not asked, and counts as one that did not
 * answer, until it answers rightly again.
 *
 * Each content worker finds it out for itself: the questions travel in the round of a message, now
 * and then, since a worker can ask nothing else; the resolver's cache answers all workers but one.
 */
#ifndef POTERNE_GATEWAY_ZONES_H
#define POTERNE_GATEWAY_ZONES_H

#include "rules/rules.h"

#define ZONES_MAX         200
#define ZONES_CHECK_EVERY 300 /* seconds, of one that serves */
#define ZONES_CHECK_SOON  30  /* of one that does not */
/* Looked at with one message; those whose turn has not come are asked for meanwhile, but for those
 * that were off. */
#define ZONES_A_MESSAGE 30
#define ZONES_QUESTIONS 4 /* of one zone, at most */

struct zones;
/* The rules outlive it. NULL: out of memory. */
struct zones *zones_new(const struct ruleset *rules);
void zones_free(struct zones **zones);

/* Adds the questions about those whose time has come to the *n of `max`; they live as long as the
 * pool. `now`: monotonic seconds. */
void zones_questions(struct zones *zones, int64_t now, struct pool *pool, struct dns_query *queries,
                     size_t *n, size_t max);
/* After these were asked: takes the answers from the source, which remembers them. */
void zones_take(struct zones *zones, int64_t now, struct pool *pool, const struct dns_source *dns);

/* For rules_network.zones_off; lives until the next zones_take(). */
const struct str *zones_off(const struct zones *zones, size_t *n);

#endif
