/*
 * sts_refresh: policies that are kept are fetched anew before they end, without mail (RFC 8461 3.3,
 * 10.2): else who keeps a policy away needs only wait for a domain that seldom gets mail. Those
 * that nobody has sent to for STS_UNUSED end by themselves. In the loop of delivery; what reads the
 * folder is a thread's work.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_STS_REFRESH_H
#define POTERNE_GATEWAY_DELIVERY_STS_REFRESH_H

#include "gateway/delivery/sts.h"

#define STS_REFRESH_FIRST   5   /* seconds from our start to the first look into the folder */
#define STS_REFRESH_SECONDS 300 /* … between two */
#define STS_REFRESH_MAX     100 /* policies of one look; of more than that any */
#define STS_REFRESH_AT_ONCE 4

struct sts_refresh;
/* What is pointed to must outlive it. NULL: out of memory. */
struct sts_refresh *sts_refresh_new(const struct sts *sts);
/* Once a second; `quiet`: nothing is begun. */
void sts_refresh_tick(struct sts_refresh *refresh, bool quiet);
/* No answer comes any more, and the threads have stopped. */
void sts_refresh_free(struct sts_refresh **refresh);

#endif
