#include "base/role_pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/fsio.h"

struct role_pool *role_pool_open(unsigned least, unsigned most, struct err *err)
{
    struct role_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    pool->least = least < 1 ? 1 : least > ROLE_WORKERS_MAX ? ROLE_WORKERS_MAX : least;
    pool->most = most > ROLE_WORKERS_MAX ? ROLE_WORKERS_MAX : most;
    if (pool->most < pool->least)
        pool->most = pool->least;
    pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    void *shared =
        mmap(NULL, sizeof *pool->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pool->shared = shared == MAP_FAILED ? NULL : shared;
    if (pool->shared && pool->wake_fd >= 0)
        return pool;
    err_sys(err, "cannot make an eventfd, or memory to share");
    role_pool_close(&pool);
    return NULL;
}

void role_pool_close(struct role_pool **pool)
{
    struct role_pool *gone = *pool;
    if (gone == NULL)
        return;
    *pool = NULL;
    fsio_close_quiet(&gone->wake_fd);
    if (gone->shared)
        munmap(gone->shared, sizeof *gone->shared);
    free(gone);
}

struct role_count role_pool_count(const struct role_pool *pool)
{
    struct role_count count = {0, 0};
    for (unsigned i = 0; i < pool->most; i++) {
        count.free += pool->shared->state[i] == ROLE_WORKER_FREE;
        count.waiting += pool->shared->state[i] == ROLE_WORKER_WAITS;
    }
    return count;
}

static unsigned no_more_than(unsigned n, unsigned most)
{
    return n < most ? n : most;
}

unsigned role_pool_wanted(const struct role_pool *pool)
{
    return no_more_than(pool->least + role_pool_count(pool).waiting, pool->most);
}

unsigned role_pool_needed(struct role_pool *pool)
{
    unsigned waiting = atomic_exchange(&pool->shared->most_waiting, role_pool_count(pool).waiting);
    return no_more_than(pool->least + waiting, pool->most);
}

void role_pool_begins(struct role_pool *pool, unsigned worker)
{
    pool->shared->leave[worker] = false;
    pool->shared->state[worker] = ROLE_WORKER_FREE;
}

bool role_pool_ended(struct role_pool *pool, unsigned worker)
{
    pool->shared->state[worker] = ROLE_WORKER_NONE;
    return pool->shared->leave[worker];
}

void role_pool_shrink(struct role_pool *pool, unsigned n)
{
    unsigned there = 0;
    for (unsigned i = 0; i < pool->most; i++)
        there += pool->shared->state[i] != ROLE_WORKER_NONE && !pool->shared->leave[i];
    for (unsigned i = pool->most; i-- > pool->least && there > n;) {
        if (pool->shared->state[i] == ROLE_WORKER_NONE || pool->shared->leave[i])
            continue;
        pool->shared->leave[i] = true;
        there--;
    }
}

void role_pool_waits(struct role_pool *pool, unsigned worker)
{
    if (pool == NULL)
        return;
    pool->shared->state[worker] = ROLE_WORKER_WAITS;
    struct role_count count = role_pool_count(pool);
    unsigned before = pool->shared->most_waiting;
    while (before < count.waiting &&
           !atomic_compare_exchange_weak(&pool->shared->most_waiting, &before, count.waiting))
        ;
    if (count.free < pool->least && count.free + count.waiting < pool->most)
        fsio_wake(pool->wake_fd);
}

void role_pool_goes_on(struct role_pool *pool, unsigned worker)
{
    if (pool)
        pool->shared->state[worker] = ROLE_WORKER_FREE;
}

bool role_pool_leaves(const struct role_pool *pool, unsigned worker)
{
    return pool && pool->shared->leave[worker];
}
