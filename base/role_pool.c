#include "base/role_pool.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/fsio.h"

struct role_pool *role_pool_open(unsigned least, unsigned most, struct err *err)
{
    struct role_pool *pool =
        mmap(NULL, sizeof *pool, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pool == MAP_FAILED) {
        err_set(err, "out of memory");
        return NULL;
    }
    pool->least = least < 1 ? 1 : least > ROLE_WORKERS_MAX ? ROLE_WORKERS_MAX : least;
    pool->most = most > ROLE_WORKERS_MAX ? ROLE_WORKERS_MAX : most;
    if (pool->most < pool->least)
        pool->most = pool->least;
    pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (pool->wake_fd < 0) {
        err_sys(err, "cannot make an eventfd");
        role_pool_close(&pool);
    }
    return pool;
}

void role_pool_close(struct role_pool **pool)
{
    if (*pool == NULL)
        return;
    fsio_close_quiet(&(*pool)->wake_fd);
    munmap(*pool, sizeof **pool);
    *pool = NULL;
}

struct role_count role_pool_count(const struct role_pool *pool)
{
    struct role_count count = {0, 0};
    for (unsigned i = 0; i < pool->most; i++) {
        count.free += pool->state[i] == ROLE_WORKER_FREE;
        count.waiting += pool->state[i] == ROLE_WORKER_WAITS;
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
    unsigned waiting = atomic_exchange(&pool->most_waiting, role_pool_count(pool).waiting);
    return no_more_than(pool->least + waiting, pool->most);
}

void role_pool_begins(struct role_pool *pool, unsigned worker)
{
    pool->leave[worker] = false;
    pool->state[worker] = ROLE_WORKER_FREE;
}

bool role_pool_ended(struct role_pool *pool, unsigned worker)
{
    pool->state[worker] = ROLE_WORKER_NONE;
    return pool->leave[worker];
}

void role_pool_shrink(struct role_pool *pool, unsigned n)
{
    unsigned there = 0;
    for (unsigned i = 0; i < pool->most; i++)
        there += pool->state[i] != ROLE_WORKER_NONE && !pool->leave[i];
    for (unsigned i = pool->most; i-- > pool->least && there > n;) {
        if (pool->state[i] == ROLE_WORKER_NONE || pool->leave[i])
            continue;
        pool->leave[i] = true;
        there--;
    }
}

void role_pool_waits(struct role_pool *pool, unsigned worker)
{
    if (pool == NULL)
        return;
    pool->state[worker] = ROLE_WORKER_WAITS;
    struct role_count count = role_pool_count(pool);
    unsigned before = pool->most_waiting;
    while (before < count.waiting &&
           !atomic_compare_exchange_weak(&pool->most_waiting, &before, count.waiting))
        ;
    if (count.free < pool->least && count.free + count.waiting < pool->most)
        fsio_wake(pool->wake_fd);
}

void role_pool_goes_on(struct role_pool *pool, unsigned worker)
{
    if (pool)
        pool->state[worker] = ROLE_WORKER_FREE;
}

bool role_pool_leaves(const struct role_pool *pool, unsigned worker)
{
    return pool && pool->leave[worker];
}
