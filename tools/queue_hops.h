/* queue_hops: how the next hops are just now, as the running gateway says. */
#ifndef POTERNE_TOOLS_QUEUE_HOPS_H
#define POTERNE_TOOLS_QUEUE_HOPS_H

#include "base/pool.h"
#include "spool/notice.h"

struct queue_hops {
    struct notice_hop *list; /* sorted by name, in the pool */
    size_t n;
};

/* -1: it can't be asked, err says why. */
int queue_hops_ask(const char *run_dir, struct pool *pool, struct queue_hops *hops,
                   struct err *err);
/* NULL: nothing is known of it. Where there are several of one name, one that is down. */
const struct notice_hop *queue_hops_find(const struct queue_hops *hops, struct str name);

#endif
