/*
 * drain: the life of a process that serves from an event loop and owes its askers answers: it
 * serves until poterned says on the control socket that it shall end, takes nothing new from then
 * on, and ends when nothing is open any more, or after DRAIN_TIME.
 */
#ifndef POTERNE_GATEWAY_DRAIN_H
#define POTERNE_GATEWAY_DRAIN_H

#include <event2/event.h>
#include <stdbool.h>

#include "base/err.h"

#define DRAIN_TIME 40 /* seconds; poterned kills after 60 */

struct drain_hooks {
    void (*begin)(void *data); /* nothing new is taken */
    bool (*busy)(void *data);  /* something is open */
    void *data;
};

/* -1 with err set: the loop could not be had, or failed. */
int drain_serve(struct event_base *base, int ctl_fd, const struct drain_hooks *hooks,
                struct err *err);

#endif
