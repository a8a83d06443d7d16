/*
 * workers: a few threads for what blocks (fsync, Maildir), beside an event loop. Work is done in
 * the order in which it was given, as many at a time as there are threads; `done` is called back in
 * the loop's own thread.
 */
#ifndef POTERNE_GATEWAY_CLIENT_WORKERS_H
#define POTERNE_GATEWAY_CLIENT_WORKERS_H

#include "base/err.h"

struct event_base;

/* Embedded in what belongs to the work, which lives until `done` was called. */
struct work {
    void (*run)(struct work *work);  /* in a thread */
    void (*done)(struct work *work); /* in the loop; may give new work, may free this one */
    struct work *next;
};

struct workers;
/* NULL with err set. Threads inherit the sandbox of who calls: call it after sandbox_enter(). */
struct workers *workers_start(struct event_base *base, unsigned threads, struct err *err);
void workers_give(struct workers *workers, struct work *work);
/* How many were given and are not done. */
unsigned workers_busy(const struct workers *workers);
/* Waits until all that was given has run, calls its `done`, ends the threads. */
void workers_stop(struct workers **workers);

#endif
