/*
 * threads: who may hold how many of the threads that do what blocks. A Maildir on a server that is
 * away holds each thread that delivers into it for as long as the kernel waits, and nobody can call
 * it back; so those that may hang never hold them all, however many hang. Pure.
 *
 *   of THREADS_ALL (32):
 *   - one Maildir: 8 at most, a quarter;
 *   - a Maildir that has one already: 16 together with all others, half;
 *   - one that has none yet: 24 together with all others, so that it has one even where two that
 *     hang took the half;
 *   - the process `reports`: 4;
 *   - fsync, bounces, what settles: 4 at least, which none of those can take.
 *
 * More than eight Maildirs that hang beside those can keep a further one waiting; nothing else.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_THREADS_H
#define POTERNE_GATEWAY_DELIVERY_THREADS_H

#include <stdbool.h>

#define THREADS_ALL            32
#define THREADS_MAILDIR        (THREADS_ALL / 4)
#define THREADS_MAILDIRS       (THREADS_ALL / 2)
#define THREADS_MAILDIRS_FIRST (3 * THREADS_ALL / 4)
#define THREADS_REPORTS        4

/* May a Maildir that has `own` threads of the `all` that Maildirs have now get one more? */
static inline bool threads_for_maildir(unsigned own, unsigned all)
{
    return own < THREADS_MAILDIR && all < (own ? THREADS_MAILDIRS : THREADS_MAILDIRS_FIRST);
}

#endif
