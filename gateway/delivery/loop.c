/* loop: the process as a whole: beginning, once a second, end. */
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "gateway/delivery/threads.h"
#include "gateway/loop.h"
#include "journal/client.h"

#define TICK_SECONDS  1
#define DRAIN_TICK_US 50000

int64_t delivery_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- what was unlinked gets onto the disk --- */

static void run_sync(struct work *work)
{
    struct delivery *delivery = (struct delivery *)((char *)work - offsetof(struct delivery, sync));
    struct err err;
    for (enum spool_state folder = SPOOL_QUEUE; folder < SPOOL_STATES; folder++)
        if (delivery->sync_wanted[folder] && spool_sync_folder(delivery->spool, folder, &err) < 0)
            log_error("%s; after a power cut, delivered messages may come again", err.text);
}

static void sync_done(struct work *work)
{
    struct delivery *delivery = (struct delivery *)((char *)work - offsetof(struct delivery, sync));
    delivery->syncing = false;
}

static void sync_folders(struct delivery *delivery)
{
    bool any = false;
    for (size_t i = 0; i < SPOOL_STATES; i++)
        any |= delivery->unlinked[i];
    if (delivery->syncing || !any)
        return;
    memcpy(delivery->sync_wanted, delivery->unlinked, sizeof delivery->unlinked);
    memset(delivery->unlinked, 0, sizeof delivery->unlinked);
    delivery->syncing = true;
    delivery->sync = (struct work){.run = run_sync, .done = sync_done};
    workers_give(delivery->workers, &delivery->sync);
}

/* --- time --- */

static void tick_again(struct delivery *delivery)
{
    const struct timeval second = {.tv_sec = TICK_SECONDS};
    const struct timeval soon = {.tv_usec = DRAIN_TICK_US};
    loop_wait(delivery->tick, delivery->draining ? &soon : &second);
}

/* First what is under way, then the journal's last word; neither for ever. What is left is in the
 * queue for the next start. */
static void drain_on(struct delivery *delivery)
{
    int64_t now = clock_seconds();
    if (now >= delivery->drain_until)
        hops_close_lanes(delivery, false, "the gateway is stopping");
    bool busy = hops_busy(delivery) || workers_busy(delivery->workers);
    bool unsaid = delivery->settled.first && journal_client_waiting(delivery->journal);
    /* the next one begins when this one is gone (gateway/owner.h) */
    if (delivery->journal_fd < 0 && role_is_orphan(delivery->env))
        unsaid = false;
    if (busy || (unsaid && now < delivery->drain_until + DELIVERY_JOURNAL_SECONDS))
        return;
    event_base_loopbreak(delivery->base);
}

/* The note lies in quarantine/, where the daily look at what is held (decide.c) uses it, too. */
int64_t delivery_believed_us(struct delivery *delivery)
{
    char folder[PATH_MAX];
    struct err err;
    int64_t now_us = delivery_now_us();
    if (fsio_join(folder, sizeof folder, delivery->conf->state_dir, "quarantine", &err) < 0)
        return now_us;
    int64_t now = now_us / 1000000;
    int64_t believed = witness_time(&delivery->witness, folder, now, clock_uptime(), &err);
    if (err.text[0])
        log_warning("%s", err.text);
    return now_us - (now - believed) * 1000000;
}

/* What a long queue took is given back when its last delivery is over, once. */
static void give_memory_back(struct delivery *delivery)
{
    bool busy = hops_busy(delivery) || workers_busy(delivery->workers);
    if (delivery->was_busy && !busy) {
        vault_rest(delivery);
        malloc_trim(0);
    }
    delivery->was_busy = busy;
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
    struct delivery *delivery = data;
    delivery_believed_us(delivery);
    journal_client_tick(delivery->journal);
    settle_tick(delivery);
    vault_tick(delivery);
    outside_tick(delivery);
    hops_tick(delivery);
    sync_folders(delivery);
    give_memory_back(delivery);
    if (delivery->draining)
        drain_on(delivery);
    tick_again(delivery);
}

static void on_ctl(evutil_socket_t fd, short what, void *data)
{
    struct delivery *delivery = data;
    event_del(delivery->ctl);
    delivery->draining = true;
    delivery->kept_stop = true;
    delivery->drain_until = clock_seconds() + DELIVERY_DRAIN_SECONDS;
    hops_close_lanes(delivery, true, "the gateway is stopping");
    tick_again(delivery);
}

/* --- beginning and end --- */

static int start_events(struct delivery *delivery, struct err *err)
{
    delivery->tick = evtimer_new(delivery->base, on_tick, delivery);
    delivery->ctl =
        event_new(delivery->base, delivery->env->ctl_fd, EV_READ | EV_PERSIST, on_ctl, delivery);
    if (delivery->tick == NULL || delivery->ctl == NULL || event_add(delivery->ctl, NULL) < 0)
        return err_set(err, "out of memory for events");
    tick_again(delivery);
    return 0;
}

static int start(struct delivery *delivery, struct err *err)
{
    delivery->base = event_base_new();
    if (delivery->base == NULL)
        return err_set(err, "cannot make an event loop");
    delivery->workers = workers_start(delivery->base, THREADS_ALL, err);
    if (delivery->workers == NULL || start_events(delivery, err) < 0)
        return -1;
    if (settle_start(delivery, err) < 0 || journal_start(delivery, err) < 0 ||
        outside_start(delivery, err) < 0 || hops_make(delivery, err) < 0 ||
        service_start(delivery, err) < 0)
        return -1;
    vault_start(delivery);
    if (expire_start(delivery, err) < 0 || kept_start(delivery, err) < 0)
        return -1;
    if (sweep_start(delivery, &delivery->queue_sweep, SPOOL_QUEUE, DELIVERY_SWEEP_SECONDS, err) < 0)
        return -1;
    return sweep_start(delivery, &delivery->held_sweep, SPOOL_QUARANTINE, DELIVERY_HELD_SECONDS,
                       err);
}

struct delivery *delivery_start(const struct role_env *env, const struct delivery_loaded *loaded,
                                struct err *err)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    delivery->conf = env->conf;
    delivery->env = env;
    delivery->loaded = loaded;
    delivery->spool = loaded->spool;
    delivery->journal_fd = -1;
    if (start(delivery, err) < 0)
        delivery_stop(&delivery);
    return delivery;
}

int delivery_run(struct delivery *delivery, struct err *err)
{
    if (event_base_dispatch(delivery->base) < 0)
        return err_set(err, "the event loop failed");
    return 0;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

void delivery_stop(struct delivery **stopped)
{
    struct delivery *delivery = *stopped;
    if (delivery == NULL)
        return;
    *stopped = NULL;
    delivery->draining = true;
    delivery->kept_stop = true;
    hops_close_lanes(delivery, false, "the gateway is stopping");
    workers_stop(&delivery->workers);
    sweep_stop(&delivery->queue_sweep);
    sweep_stop(&delivery->held_sweep);
    service_stop(delivery);
    vault_stop(delivery);
    jobs_free(delivery);
    hops_free(delivery);
    outside_stop(delivery);
    journal_stop(delivery);
    free_event(delivery->settle_soon);
    free_event(delivery->expire);
    free_event(delivery->kept_timer);
    free_event(delivery->tick);
    free_event(delivery->ctl);
    if (delivery->base)
        event_base_free(delivery->base);
    free(delivery);
}
