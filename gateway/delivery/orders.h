/*
 * orders: what a person says about a message that is still owed: hold it, let it go on, treat it as
 * if it had just come, or deliver it to nobody any more (spool_order(), `poterne queue`).
 *
 * An order is a record in the message's file before anything else is done, so that a killed process
 * knows of it; that it was carried out is said when it is on the disk (answers.h). The journal is
 * told of it for each recipient who is owed, with the state that he has. What is on a lane just
 * then is carried to its end: whoever is still owed after that is held, or dropped.
 *
 * What is on hold is no job (resting.h): it is one again while an order is given about it, with
 * legs that wait for no time and stand in no line. No time passes for it: it does not expire, and
 * its sender hears of no delay. Held out of the quarantine's sense it is
 * not. Dropped are those who are owed; who was delivered to, or is being returned, is not touched.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_ORDERS_H
#define POTERNE_GATEWAY_DELIVERY_ORDERS_H

#include "gateway/delivery/delivery.h"

#define ORDERS_SAID_MAX 128
struct orders_said {
    char text[ORDERS_SAID_MAX]; /* what was done */
    int fd; /* the file, which is to be on the disk before that is said; the caller closes it. -1:
               it could not be kept open */
};

/* How the text begins with which a recipient is dropped … */
#define ORDERS_DROPPED "deleted from the queue, "
/* … and what his sender reads where he is told. */
#define ORDERS_TOLD "5.7.1 the postmaster deleted it from the queue before it could be delivered"

/* One of NOTICE_HOLD, NOTICE_RESUME, NOTICE_REQUEUE, NOTICE_DROP, NOTICE_DROP_TELL. 0: done; -1:
 * nothing was, err says why. */
int orders_give(struct delivery *delivery, const struct notice *notice, struct orders_said *said,
                struct err *err);
/* The job is loaded: the journal is told of its last order, with the state that each who was owed
 * had then. It counts what it is told again once. */
void orders_tell_last(struct job *job);
/* The job is dropped and loaded: its legs that are not busy are done with. */
void orders_drop_legs(struct job *job);

#endif
