/*
 * role_pool: what the workers of a kind and their leader know of each other. A worker that waits
 * for somebody else's answer says so, and needs no processor meanwhile: `least` workers shall be
 * free beside those that wait, so that one silent server of the DNS holds up the messages that need
 * it, and no other. The leader starts as many as are wanted, `most` in all, and lets those go that
 * were not needed for a while.
 */
#ifndef POTERNE_BASE_ROLE_POOL_H
#define POTERNE_BASE_ROLE_POOL_H

#include <stdbool.h>

#include "base/err.h"

#define ROLE_WORKERS_MAX 1000
/* A worker that was told to leave is gone so many milliseconds later at most, if it is idle. */
#define ROLE_POOL_LOOK_MS 2000

enum role_worker_state { ROLE_WORKER_NONE, ROLE_WORKER_FREE, ROLE_WORKER_WAITS };

/* Any of them may write here, one that was taken over, too: it can make the leader start or end
 * workers within its bounds, and nothing else. */
struct role_pool_shared {
    _Atomic unsigned most_waiting;
    _Atomic unsigned char state[ROLE_WORKERS_MAX]; /* enum role_worker_state */
    _Atomic bool leave[ROLE_WORKERS_MAX];
};

/* Each process has its own, from the time when it was forked. */
struct role_pool {
    unsigned least, most; /* 1 <= least <= most <= ROLE_WORKERS_MAX */
    int wake_fd;          /* eventfd: too few are free */
    struct role_pool_shared *shared;
};

struct role_count {
    unsigned free, waiting;
};

/* NULL with err. What is above its bounds is brought within them. */
struct role_pool *role_pool_open(unsigned least, unsigned most, struct err *err);
void role_pool_close(struct role_pool **pool);

struct role_count role_pool_count(const struct role_pool *pool);

/* --- the leader --- */
/* How many there should be now: those that wait and `least` more, `most` in all. */
unsigned role_pool_wanted(const struct role_pool *pool);
/* How many were needed at most since this was asked last. */
unsigned role_pool_needed(struct role_pool *pool);
void role_pool_begins(struct role_pool *pool, unsigned worker);
/* It has gone. True: it was told to. */
bool role_pool_ended(struct role_pool *pool, unsigned worker);
/* Tells so many workers to leave that `n` stay; never those of the first `least` places. */
void role_pool_shrink(struct role_pool *pool, unsigned n);

/* --- a worker; `pool` may be NULL: it is alone --- */
void role_pool_waits(struct role_pool *pool, unsigned worker);
void role_pool_goes_on(struct role_pool *pool, unsigned worker);
bool role_pool_leaves(const struct role_pool *pool, unsigned worker);

#endif
