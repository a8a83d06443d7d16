#include "tools/queue_hops.h"

#include <stdlib.h>

#include "base/ipc.h"

#define HOPS_MAX 100000 /* whatever is answered */

static int compare(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.s, b.s, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Of one name: down first. */
static int by_name(const void *a, const void *b)
{
    const struct notice_hop *x = a, *y = b;
    int order = compare(x->name, y->name);
    return order ? order : (int)y->down - (int)x->down;
}

static int add(struct pool *pool, struct queue_hops *hops, size_t *room,
               const struct notice_hop *hop, struct err *err)
{
    struct notice_hop *list = pool_grow(pool, hops->list, hops->n, room, sizeof *list);
    if (list == NULL)
        return err_set(err, "out of memory for the next hops");
    hops->list = list;
    list[hops->n] = *hop;
    list[hops->n].name = pool_str(pool, hop->name);
    list[hops->n].error = pool_str(pool, hop->error);
    if (list[hops->n].name.s == NULL || list[hops->n].error.s == NULL)
        return err_set(err, "out of memory for the next hops");
    hops->n++;
    return 0;
}

int queue_hops_ask(const char *run_dir, struct pool *pool, struct queue_hops *hops, struct err *err)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct notice_hop hop;
    size_t room = 0, before;
    int result;
    *hops = (struct queue_hops){0};
    do {
        const struct notice notice = {.kind = NOTICE_HOPS, .recipient = (uint32_t)hops->n};
        before = hops->n;
        buf_clear(&answer);
        result = notice_ask(run_dir, &notice, &answer, err);
        struct str rest = buf_str(&answer);
        while (result == 0 && rest.n && notice_hop_get(&rest, &hop))
            result = add(pool, hops, &room, &hop, err);
    } while (result == 0 && hops->n > before && hops->n < HOPS_MAX);
    buf_release(&answer);
    if (hops->n)
        qsort(hops->list, hops->n, sizeof *hops->list, by_name);
    return result;
}

const struct notice_hop *queue_hops_find(const struct queue_hops *hops, struct str name)
{
    size_t low = 0, high = hops->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(hops->list[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < hops->n && str_eq(hops->list[low].name, name) ? &hops->list[low] : NULL;
}
