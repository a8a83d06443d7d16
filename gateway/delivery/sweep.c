/* sweep: from time to time the folders are looked through, so that a notice that was lost
 * costs time and nothing else. A few files at a time; other work goes on between. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "gateway/loop.h"

static int take_id(void *data, const char *id)
{
    struct sweep *sweep = data;
    if (sweep->n == sweep->cap) {
        size_t cap = sweep->cap ? 2 * sweep->cap : 256;
        void *ids = realloc(sweep->ids, cap * sizeof *sweep->ids);
        if (ids == NULL)
            return 1; /* what was taken is looked at; the rest next time */
        sweep->ids = ids;
        sweep->cap = cap;
    }
    memcpy(sweep->ids[sweep->n++], id, sizeof *sweep->ids);
    return 0;
}

static void forget_ids(struct sweep *sweep)
{
    free(sweep->ids);
    sweep->ids = NULL;
    sweep->n = sweep->cap = sweep->at = 0;
}

/* Oldest first: spool_each() sorts them. */
static void take_ids(struct sweep *sweep)
{
    struct err err;
    if (spool_each(sweep->delivery->spool, sweep->folder, take_id, sweep, &err) < 0)
        log_error("%s", err.text);
}

static void look(struct sweep *sweep, const char *id)
{
    if (sweep->folder == SPOOL_QUEUE)
        job_adopt(sweep->delivery, id);
    else
        job_adopt_held(sweep->delivery, id);
}

/* The rarer the more there was to look through. */
static int64_t seconds_to_next(const struct sweep *sweep)
{
    int64_t pause = sweep->spent_us * DELIVERY_SWEEP_PART / 1000000;
    if (sweep->again)
        return 0;
    if (pause > DELIVERY_SWEEP_LONGEST)
        pause = DELIVERY_SWEEP_LONGEST;
    return pause > sweep->pause ? pause : sweep->pause;
}

static void end_sweep(struct sweep *sweep)
{
    if (sweep->folder == SPOOL_QUARANTINE)
        vault_swept(sweep->delivery, (const char(*)[SPOOL_ID_LEN + 1]) sweep->ids, sweep->n);
    forget_ids(sweep);
    sweep->again = false;
    sweep->spent_us = 0;
}

static void on_sweep(evutil_socket_t fd, short what, void *data)
{
    struct sweep *sweep = data;
    struct delivery *delivery = sweep->delivery;
    struct timeval wait = {0};
    int64_t begun = clock_us(), now = begun;
    int64_t until = begun + (int64_t)DELIVERY_ROUND_MS * 1000; /* a slow disk gets fewer done */
    if (delivery->draining)
        return;
    if (sweep->n == 0)
        take_ids(sweep);
    for (unsigned i = 0; i < DELIVERY_ROUND && sweep->at < sweep->n && now < until; i++) {
        look(sweep, sweep->ids[sweep->at++]);
        now = clock_us();
    }
    sweep->spent_us += now - begun;
    if (sweep->at == sweep->n) {
        wait.tv_sec = seconds_to_next(sweep);
        end_sweep(sweep);
    }
    loop_wait(sweep->timer, &wait);
}

void sweep_hurry(struct sweep *sweep)
{
    const struct timeval at_once = {0};
    sweep->again = sweep->n != 0;
    if (!sweep->again)
        loop_wait(sweep->timer, &at_once);
}

int sweep_start(struct delivery *delivery, struct sweep *sweep, enum spool_state folder,
                unsigned pause, struct err *err)
{
    const struct timeval at_once = {0};
    *sweep = (struct sweep){.delivery = delivery, .folder = folder, .pause = pause};
    sweep->timer = evtimer_new(delivery->base, on_sweep, sweep);
    if (sweep->timer == NULL || event_add(sweep->timer, &at_once) < 0)
        return err_set(err, "out of memory for a timer");
    return 0;
}

void sweep_stop(struct sweep *sweep)
{
    forget_ids(sweep);
    if (sweep->timer)
        event_free(sweep->timer);
    sweep->timer = NULL;
}
