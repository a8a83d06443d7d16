/*
 * pace: how many connections a next hop may have now, learned from how it takes them, and when one
 * that answers connects but no message is given up. Pure; the time is monotonic seconds.
 *
 *   begins with `first`: our own servers with all, others' with PACE_FIRST
 *   a message was delivered, all connections in use   one more; above half of where it was last too
 *                                                     much one more for each round of messages
 *   a connection is refused while others are served   as many as are served; no more for a while
 *   a message breaks off (421, closed, timed out)     half, once for all that break off together
 *   one times out, and nothing was ever delivered     one: each that hangs is held for minutes
 *   MAIL is put off (4xx)                             one less, likewise
 *   RCPT or the message is put off (greylisting …)    nothing: it is there, and answers
 *   it was away and is back                           begins with PACE_FIRST
 *
 * PACE_BROKEN messages in a row that break off, with nothing answered between: it is as good as
 * away. One goes then from time to time, until it has been answered. If they timed out, what was
 * delivered before counts no more: it gets one connection, and more by what it delivers.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_PACE_H
#define POTERNE_GATEWAY_DELIVERY_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_FIRST           5
#define PACE_BROKEN          3
#define PACE_REFUSED_SECONDS 60 /* no more connections than it took, for so long */
#define PACE_SLOWED_SECONDS  10 /* what goes wrong within is one reason to slow down */

struct pace {
    unsigned max;
    unsigned thousandths; /* of connections: as many as it may have */
    unsigned steep_below; /* connections: up to there each delivered message adds one */
    unsigned broken;      /* messages that broke off since the last that was answered */
    bool proved;          /* something was delivered, and no hanging since then */
    int64_t hold_until;   /* it gets no more before */
    int64_t slowed_until; /* … and no less */
};

/* max and first are at least 1. */
void pace_begin(struct pace *pace, unsigned max, unsigned first);
/* 1 to max. */
unsigned pace_limit(const struct pace *pace);
/* Something was delivered while it had so many connections. */
void pace_delivered(struct pace *pace, unsigned connections, int64_t now);
/* It answered, whatever it was. */
void pace_answered(struct pace *pace);
/* MAIL was put off. */
void pace_put_off(struct pace *pace, int64_t now);
/* A connection was refused, while so many others stood. */
void pace_refused(struct pace *pace, unsigned others, int64_t now);
/* A message broke off; silent: it timed out. */
void pace_broke(struct pace *pace, bool silent, int64_t now);
bool pace_is_broken(const struct pace *pace);
/* It is back. */
void pace_again(struct pace *pace);
/* Somebody says that it may be better now: what is known against it is forgotten. */
void pace_forget(struct pace *pace);

#endif
