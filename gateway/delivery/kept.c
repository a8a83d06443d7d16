/* kept: what was delivered, kept for a while, so that it can be scanned with the signatures of a
 * later day. A copy that is lost costs nothing but that look. */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "gateway/loop.h"

#define KEPT_PAUSE 3600 /* seconds between two looks for what is over */
#define KEPT_FIRST 5    /* … from the start to the first */

/* --- in a thread --- */

struct pass {
    struct delivery *delivery;
    uint64_t bytes;
    int64_t before; /* seconds since 1970: what is older goes */
    uint64_t most;
    size_t removed;
};

static int add_size(void *data, const char *id)
{
    struct pass *pass = data;
    int64_t size = spool_file_size(pass->delivery->spool, SPOOL_KEPT, id);
    pass->bytes += size > 0 ? (uint64_t)size : 0;
    return pass->delivery->kept_stop;
}

/* The oldest come first. */
static int remove_old(void *data, const char *id)
{
    struct pass *pass = data;
    struct spool *spool = pass->delivery->spool;
    struct err err;
    int64_t size = spool_file_size(spool, SPOOL_KEPT, id);
    int64_t time = spool_file_time(spool, SPOOL_KEPT, id);
    if (size < 0 || (pass->bytes <= pass->most && time >= pass->before))
        return pass->delivery->kept_stop;
    if (spool_remove(spool, SPOOL_KEPT, id, &err) < 0) {
        log_warning("%s", err.text);
        return pass->delivery->kept_stop;
    }
    pass->bytes -= (uint64_t)size < pass->bytes ? (uint64_t)size : pass->bytes;
    pass->removed++;
    return pass->delivery->kept_stop;
}

static void run_pass(struct work *work)
{
    struct delivery *delivery =
        (struct delivery *)((char *)work - offsetof(struct delivery, kept_work));
    const struct conf_quarantine *conf = &delivery->conf->quarantine;
    struct pass pass = {.delivery = delivery,
                        .before = delivery->kept_before,
                        .most = conf->keep_originals ? conf->originals_size_limit : 0};
    struct err err;
    int result = spool_each(delivery->spool, SPOOL_KEPT, add_size, &pass, &err);
    if (pass.bytes > pass.most) /* not again for the next message */
        pass.most -= pass.most / 10;
    if (result == 0)
        result = spool_each(delivery->spool, SPOOL_KEPT, remove_old, &pass, &err);
    if (result < 0)
        log_warning("%s", err.text);
    if (pass.removed)
        log_info("kept/: %zu delivered messages were kept long enough", pass.removed);
    delivery->kept_found = pass.bytes;
}

static void pass_done(struct work *work)
{
    struct delivery *delivery =
        (struct delivery *)((char *)work - offsetof(struct delivery, kept_work));
    const struct timeval wait = {.tv_sec = KEPT_PAUSE};
    delivery->kept_busy = false;
    /* some of what came meanwhile may be counted twice: the next pass is early, and counts anew */
    delivery->kept_bytes = delivery->kept_found + delivery->kept_came;
    loop_wait(delivery->kept_timer, &wait);
}

/* --- in the loop --- */

static void on_time(evutil_socket_t fd, short what, void *data)
{
    struct delivery *delivery = data;
    if (delivery->kept_busy || delivery->draining)
        return;
    delivery->kept_busy = true;
    delivery->kept_came = 0;
    delivery->kept_before = delivery_believed_us(delivery) / 1000000 -
                            (int64_t)delivery->conf->quarantine.keep_originals;
    delivery->kept_work = (struct work){.run = run_pass, .done = pass_done};
    workers_give(delivery->workers, &delivery->kept_work);
}

int kept_start(struct delivery *delivery, struct err *err)
{
    const struct timeval first = {.tv_sec = KEPT_FIRST};
    delivery->kept_timer = evtimer_new(delivery->base, on_time, delivery);
    if (delivery->kept_timer == NULL || event_add(delivery->kept_timer, &first) < 0)
        return err_set(err, "out of memory for a timer");
    return 0;
}

bool kept_take(struct job *job)
{
    struct delivery *delivery = job->delivery;
    const struct conf_quarantine *conf = &delivery->conf->quarantine;
    struct err err;
    if (conf->keep_originals == 0 || !job->delivered)
        return false;
    if (job->deleted || job->folder == SPOOL_QUARANTINE)
        return false; /* what was deleted is gone for good */
    if (spool_rename(delivery->spool, job->id, job->folder, SPOOL_KEPT, &err) < 0) {
        log_warning("%s; it is not kept", err.text);
        return false;
    }
    int64_t size = spool_file_size(delivery->spool, SPOOL_KEPT, job->id);
    delivery->kept_bytes += size > 0 ? (uint64_t)size : 0;
    delivery->kept_came += size > 0 ? (uint64_t)size : 0;
    if (delivery->kept_bytes > conf->originals_size_limit && !delivery->kept_busy)
        event_active(delivery->kept_timer, EV_TIMEOUT, 0);
    return true;
}
