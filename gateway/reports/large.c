/* Decisions about many: a piece in each turn of the loop, so that reports go on beside them. What
 * was not carried out when the process ended is found on disk by the next. */
#include "base/clock.h"
#include "base/log.h"
#include "gateway/reports/desk.h"

#define RETRY_MS 10000 /* after a failure */

void large_begin(struct desk *desk)
{
    desk->order_at_ms = clock_ms();
}

int large_wait_ms(const struct desk *desk)
{
    if (desk->order_at_ms == INT64_MAX)
        return -1;
    int64_t left = desk->order_at_ms - clock_ms();
    return left > 0 ? (int)left : 0;
}

/* The next is looked for; without one, nothing is due until one is given. */
static bool load_next(struct desk *desk)
{
    struct err err;
    int got = order_next(desk->store, &desk->order, &err);
    if (got < 0) {
        log_error("%s", err.text);
        desk->order_at_ms = clock_ms() + RETRY_MS;
    } else if (got == 0) {
        desk->order_at_ms = INT64_MAX;
    }
    return got == 1;
}

void large_step(struct desk *desk, large_told *told, void *data)
{
    struct err err;
    if (desk->store == NULL || large_wait_ms(desk) != 0 ||
        (desk->order == NULL && !load_next(desk)))
        return;
    int result = order_step(desk->order, desk->store, &err);
    struct order_progress progress = order_progress(desk->order);
    if (result == 0) {
        told(data, &progress, false, NULL);
        return;
    }
    if (result < 0) {
        log_error("a decision about %llu reports stopped at %llu and is tried again: %s",
                  (unsigned long long)progress.n, (unsigned long long)progress.at, err.text);
        desk->order_at_ms = clock_ms() + RETRY_MS;
    } else {
        log_info("a decision about %llu reports was carried out: %llu changed",
                 (unsigned long long)progress.n, (unsigned long long)progress.decided.changed);
        daily_teach_soon(desk);
    }
    told(data, &progress, result == 1, result < 0 ? err.text : NULL);
    if (result > 0) /* else it goes on where it stopped */
        order_free(&desk->order);
}
