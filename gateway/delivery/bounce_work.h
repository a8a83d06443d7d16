/*
 * bounce_work: one notice on its way, for the two files that make it: bounce.c says when, and what
 * it changes in the message's file; bounce_text.c of whom, and what it says.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_BOUNCE_WORK_H
#define POTERNE_GATEWAY_DELIVERY_BOUNCE_WORK_H

#include "bounce/compose.h"
#include "gateway/delivery/delivery.h"

struct bounce_work {
    struct work work;
    struct job *job; /* loaded meanwhile */
    struct pool *pool;
    enum bounce_event event;
    struct bounce_to to;
    struct outgoing mail;
    struct buf text, subject;
    uint32_t *indexes; /* of whom it tells; the first decides who is told */
    size_t n;
    int result;
    struct err err;
};

/* Is somebody to be told that of this recipient now? The job is loaded. */
bool bounce_is_due(const struct job *job, enum bounce_event event, uint32_t index,
                   struct bounce_to *to);
/* Those of whom the next one tells, BOUNCE_FAILURES_MAX at most; n is 0 where there is none. -1:
 * out of memory. */
int bounce_choose(struct bounce_work *work, struct err *err);
/* Makes its mail. -1: not possible, err says why. */
int bounce_write(struct bounce_work *work, struct err *err);

#endif
