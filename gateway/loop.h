/*
 * loop: what libevent says when it is to wait for something, which it can refuse: its memory and
 * the kernel's room for epoll have an end. Who waits for what nobody has noted waits for ever.
 *
 * - what a program or a connection can't be without: loop_add(), and whoever starts it has failed;
 * - where work goes on when the time is over: loop_wait(), which is over too early rather than
 * never.
 */
#ifndef POTERNE_GATEWAY_LOOP_H
#define POTERNE_GATEWAY_LOOP_H

#include "base/err.h"

struct event;
struct timeval;

/* Waits for it from now on, for `time` at most where that is not NULL. -1 with err set: it does
 * not, and what was waited for before goes on. */
int loop_add(struct event *event, const struct timeval *time, struct err *err);

/* The same; where the loop can't wait the time is over at once (EV_TIMEOUT, from the loop). */
void loop_wait(struct event *event, const struct timeval *time);

#endif
