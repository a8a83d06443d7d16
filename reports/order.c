#include "reports/order.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/wire.h"
#include "reports/store_open.h"

#define ORDER_KIND  "order"
#define ORDER_MAGIC "poterne order 1\n"
#define NUMBERS_MAX ((size_t)10 * 1000 * 1000) /* ten times the highest reports.waiting_limit */
#define ORDER_MAX   (NUMBERS_MAX * sizeof(uint64_t) + 4096)
#define CRC_SIZE    4

struct order {
    uint64_t name;
    struct buf bytes; /* of its file; the decision's texts point into it */
    struct proposal_decision decision;
    uint64_t *numbers;
    size_t n, at;
    struct proposal_decided decided;
};

/* --- files --- */

static int path_of(const struct proposals *store, uint64_t name, char out[PATH_MAX],
                   struct err *err)
{
    char file[STORE_NAME_SIZE + sizeof ORDERS_DIR];
    char kind[STORE_NAME_SIZE] = "";
    if (name)
        store_name(name, ORDER_KIND, kind);
    snprintf(file, sizeof file, ORDERS_DIR "%s%s", name ? "/" : "", kind);
    return fsio_join(out, PATH_MAX, store->folder, file, err);
}

static void order_put(struct buf *out, const struct proposal_decision *decision,
                      const uint64_t *numbers, size_t n)
{
    buf_add(out, STR(ORDER_MAGIC));
    wire_u8(out, decision->accept);
    wire_i64(out, decision->now_us);
    wire_str(out, decision->decider);
    wire_str(out, decision->why);
    wire_u32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        wire_u64(out, numbers[i]);
    wire_u32(out, crc32c(0, buf_str(out)));
}

/* 1; 0: damaged; -1: out of memory. */
static int order_get(struct order *order)
{
    struct str bytes = buf_str(&order->bytes);
    if (!str_starts(bytes, STR(ORDER_MAGIC)) || bytes.n < sizeof ORDER_MAGIC - 1 + CRC_SIZE)
        return 0;
    struct str checked = str_sub(bytes, 0, bytes.n - CRC_SIZE);
    struct wire sum = wire_of(str_from(bytes, checked.n));
    struct wire w = wire_of(str_from(checked, sizeof ORDER_MAGIC - 1));
    if (wire_get_u32(&sum) != crc32c(0, checked))
        return 0;
    order->decision.accept = wire_get_u8(&w) != 0;
    order->decision.now_us = wire_get_i64(&w);
    order->decision.decider = wire_get_str(&w);
    order->decision.why = wire_get_str(&w);
    order->n = wire_get_u32(&w);
    if (w.bad || order->n != w.in.n / sizeof(uint64_t))
        return 0;
    order->numbers = calloc(order->n + 1, sizeof *order->numbers);
    if (order->numbers == NULL)
        return -1;
    for (size_t i = 0; i < order->n; i++)
        order->numbers[i] = wire_get_u64(&w);
    return wire_done(&w);
}

/* The oldest of those on disk, and how many there are. */
static int look_through(const struct proposals *store, uint64_t *oldest, size_t *n, struct err *err)
{
    char path[PATH_MAX];
    *oldest = 0;
    *n = 0;
    if (path_of(store, 0, path, err) < 0)
        return -1;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read folder %s", path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        uint64_t name = store_number(entry->d_name, ORDER_KIND);
        *n += name != 0;
        if (name && (*oldest == 0 || name < *oldest))
            *oldest = name;
    }
    closedir(dir);
    return 0;
}

/* --- giving one --- */

/* Named by its time, so that they are carried out as they came. */
static int new_path(const struct proposals *store, int64_t now_us, uint64_t *name,
                    char path[PATH_MAX], struct err *err)
{
    *name = now_us > 0 ? (uint64_t)now_us : 1;
    for (unsigned i = 0; i <= ORDERS_MAX; i++, ++*name) {
        if (path_of(store, *name, path, err) < 0)
            return -1;
        if (access(path, F_OK) < 0)
            return errno == ENOENT ? 0 : err_sys(err, "cannot look for %s", path);
    }
    return err_set(err, "too many decisions at once");
}

static int write_file(struct proposals *store, const char *path, struct str bytes, struct err *err)
{
    if (fsio_replace(path, bytes, STORE_MODE, err) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int result = fd < 0 ? err_sys(err, "cannot open %s", path) : store_give(store, fd, path, err);
    fsio_close_quiet(&fd);
    return result;
}

static void withdraw(const struct proposals *store, uint64_t name)
{
    char path[PATH_MAX];
    struct err err;
    if (name && path_of(store, name, path, &err) == 0)
        unlink(path);
}

/* With the store's lock held, so that names are taken once. */
static int write_order(struct proposals *store, const struct proposal_decision *decision,
                       const uint64_t *numbers, size_t n, uint64_t *name, struct err *err)
{
    char path[PATH_MAX];
    struct buf out = BUF_INIT(ORDER_MAX);
    uint64_t oldest;
    size_t waiting;
    if (n > NUMBERS_MAX)
        return err_set(err, "%zu proposals are too many for one decision", n);
    if (look_through(store, &oldest, &waiting, err) < 0)
        return -1;
    if (waiting >= ORDERS_MAX)
        return err_set(err, "%zu decisions about many are still being carried out; try later",
                       waiting);
    if (new_path(store, decision->now_us, name, path, err) < 0)
        return -1;
    order_put(&out, decision, numbers, n);
    int result = buf_ok(&out) ? write_file(store, path, buf_str(&out), err)
                              : err_set(err, "out of memory for a decision");
    buf_release(&out);
    return result;
}

int proposals_order(struct proposals *store, const struct proposal_choice *choice,
                    const struct proposal_decision *decision, size_t at_once,
                    struct proposal_ordered *ordered, struct err *err)
{
    uint64_t *numbers = NULL;
    size_t n = 0;
    *ordered = (struct proposal_ordered){0};
    if (store_begin(store, err) < 0)
        return -1;
    int result = store_choose(store, choice, decision->accept, &numbers, &n, err);
    if (result == 0 && n <= at_once)
        result = store_decide(store, numbers, n, decision, false, &ordered->decided, err);
    else if (result == 0)
        result = write_order(store, decision, numbers, n, &ordered->order, err);
    ordered->n = n;
    free(numbers);
    result = store_end(store, result == 0, err);
    if (result < 0)
        withdraw(store, ordered->order);
    return result;
}

/* --- carrying it out --- */

static int order_load(struct proposals *store, uint64_t name, struct order **order, struct err *err)
{
    char path[PATH_MAX];
    struct order *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL)
        return err_set(err, "out of memory for a decision");
    loaded->name = name;
    loaded->bytes = BUF_INIT(ORDER_MAX);
    int result = path_of(store, name, path, err);
    if (result == 0 && fsio_read_file(path, &loaded->bytes, err) < 0)
        result = -1;
    else if (result == 0 && (result = order_get(loaded)) < 0)
        err_set(err, "out of memory for a decision");
    if (result == 1)
        *order = loaded;
    else
        order_free(&loaded);
    return result;
}

static int set_aside(const struct proposals *store, uint64_t name, struct err *err)
{
    char from[PATH_MAX], folder[PATH_MAX], to[PATH_MAX], file[STORE_NAME_SIZE];
    store_name(name, ORDER_KIND, file);
    if (path_of(store, name, from, err) < 0 ||
        fsio_join(folder, sizeof folder, store->folder, STORE_DAMAGED_DIR, err) < 0 ||
        fsio_mkdir(folder, 0770, err) < 0 || fsio_join(to, sizeof to, folder, file, err) < 0)
        return -1;
    if (rename(from, to) < 0 && errno != ENOENT)
        return err_sys(err, "cannot move %s to %s", from, to);
    log_error("%s can't be read: what of this decision was not done yet waits again", to);
    return 0;
}

int order_next(struct proposals *store, struct order **order, struct err *err)
{
    uint64_t name;
    size_t n;
    *order = NULL;
    for (unsigned i = 0; i <= ORDERS_MAX; i++) {
        if (look_through(store, &name, &n, err) < 0)
            return -1;
        if (name == 0)
            return 0;
        int got = order_load(store, name, order, err);
        if (got != 0)
            return got;
        if (set_aside(store, name, err) < 0)
            return -1;
    }
    return err_set(err, "too many decisions could not be read");
}

int order_step(struct order *order, struct proposals *store, struct err *err)
{
    char path[PATH_MAX];
    size_t left = order->n - order->at, n = left < PROPOSALS_AT_ONCE ? left : PROPOSALS_AT_ONCE;
    struct proposal_decided decided = order->decided;
    if (store_begin(store, err) < 0)
        return -1;
    int result =
        store_decide(store, order->numbers + order->at, n, &order->decision, true, &decided, err);
    if (store_end(store, result == 0, err) < 0)
        return -1;
    order->at += n;
    order->decided = decided;
    if (order->at < order->n)
        return 0;
    if (path_of(store, order->name, path, err) < 0)
        return -1;
    return unlink(path) == 0 || errno == ENOENT ? 1 : err_sys(err, "cannot remove %s", path);
}

void order_free(struct order **order)
{
    struct order *gone = *order;
    if (gone == NULL)
        return;
    buf_release(&gone->bytes);
    free(gone->numbers);
    free(gone);
    *order = NULL;
}

struct order_progress order_progress(const struct order *order)
{
    return (struct order_progress){order->name, order->n, order->at, order->decided};
}

/* --- all at once --- */

/* `last`: of the order of that name, what was decided. */
static int finish(struct proposals *store, uint64_t name, struct proposal_decided *decided,
                  struct err *err)
{
    struct order *order;
    int got;
    while ((got = order_next(store, &order, err)) == 1) {
        int result = 0;
        while (result == 0)
            result = order_step(order, store, err);
        if (order->name == name)
            *decided = order->decided;
        order_free(&order);
        if (result < 0)
            return -1;
    }
    return got;
}

int orders_finish(struct proposals *store, struct err *err)
{
    struct proposal_decided ignored;
    return finish(store, 0, &ignored, err);
}

int proposals_decide(struct proposals *store, const struct proposal_choice *choice,
                     const struct proposal_decision *decision, struct proposal_decided *decided,
                     struct err *err)
{
    struct proposal_ordered ordered;
    *decided = (struct proposal_decided){0};
    if (proposals_order(store, choice, decision, PROPOSALS_AT_ONCE, &ordered, err) < 0)
        return -1;
    *decided = ordered.decided;
    return ordered.order ? finish(store, ordered.order, decided, err) : 0;
}
