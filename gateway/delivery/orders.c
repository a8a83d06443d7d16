#include "gateway/delivery/orders.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/log.h"
#include "gateway/delivery/frozen.h"

static size_t count_legs(const struct job *job, enum leg_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < job->n_legs; i++)
        n += job->legs[i].state == state;
    return n;
}

static const char *being_tried(const struct job *job)
{
    return count_legs(job, LEG_BUSY) ? "; it is being tried at this moment, which goes on" : "";
}

static const char *words_for(enum spool_order_kind kind)
{
    switch (kind) {
    case SPOOL_HOLD:
        return "held in the queue";
    case SPOOL_RESUME:
        return "released in the queue";
    case SPOOL_REQUEUE:
        return "requeued";
    case SPOOL_DROP:
    case SPOOL_DROP_TELL:
        return "to be deleted from the queue";
    case SPOOL_THAW:
        break;
    }
    return NULL;
}

void orders_tell_last(struct job *job)
{
    const struct envelope *e = &job->loaded->file->envelope;
    const char *words = words_for((enum spool_order_kind)e->ordered_kind);
    if (words == NULL)
        return;
    struct str text = pool_strf(job->loaded->pool, "%s, %.*s", words, STR_ARG(e->ordered_by));
    for (uint32_t i = 0; i < e->n_recipients; i++)
        if (e->recipients[i].ordered)
            journal_tell_order(job, i, e->recipients[i].ordered_state, e->ordered_kind_us, text);
}

/* The record, what it means for the job's time, and the journal's word. */
static int write_down(struct job *job, const struct spool_order *order, struct err *err)
{
    struct spool_file *file = job->loaded->file;
    if (spool_order(file, order, err) < 0)
        return -1;
    job->since_us = spool_counts_from(&file->envelope);
    job->hold_us = file->envelope.hold_us;
    job->frozen_us = 0; /* what it was is counted; if it still is, that begins anew */
    log_info("%s: %s, %.*s", job->id, words_for(order->kind), STR_ARG(order->by));
    orders_tell_last(job);
    return 0;
}

static int hold(struct job *job, struct spool_order *order, struct orders_said *said,
                struct err *err)
{
    if (job->hold_us) {
        snprintf(said->text, sizeof said->text, "is on hold already");
        return 0;
    }
    order->kind = SPOOL_HOLD;
    order->uncounted_us = frozen_time(job, order->time_us);
    if (write_down(job, order, err) < 0)
        return -1;
    for (size_t i = 0; i < job->n_legs; i++)
        if (job->legs[i].state == LEG_WAITING || job->legs[i].state == LEG_LINED)
            leg_rest(&job->legs[i]);
    snprintf(said->text, sizeof said->text, "is on hold%s", being_tried(job));
    return 0;
}

static int resume(struct job *job, struct spool_order *order, struct orders_said *said,
                  struct err *err)
{
    if (job->hold_us == 0)
        return err_set(err, "%s is not on hold", job->id);
    order->kind = SPOOL_RESUME;
    order->uncounted_us = order->time_us > job->hold_us ? order->time_us - job->hold_us : 0;
    if (write_down(job, order, err) < 0)
        return -1;
    legs_hurry(job);
    snprintf(said->text, sizeof said->text, "goes on");
    return 0;
}

static int requeue(struct job *job, struct spool_order *order, struct orders_said *said,
                   struct err *err)
{
    order->kind = SPOOL_REQUEUE;
    if (job->bounce)
        return err_set(err, "%s: its sender is being written to: ask again in a moment", job->id);
    if (write_down(job, order, err) < 0)
        return -1;
    for (size_t i = 0; i < job->n_legs; i++) {
        job->legs[i].tries = 0;
        if (job->legs[i].state == LEG_WAITING || job->legs[i].state == LEG_LINED)
            leg_rest(&job->legs[i]); /* in the line it stands among what is new */
    }
    legs_hurry(job);
    snprintf(said->text, sizeof said->text, "is requeued%s%s",
             job->hold_us ? ", and still on hold" : "", being_tried(job));
    return 0;
}

void orders_drop_legs(struct job *job)
{
    for (size_t i = 0; i < job->n_legs; i++) {
        struct leg *leg = &job->legs[i];
        if (leg->state != LEG_WAITING && leg->state != LEG_LINED)
            continue;
        leg_rest(leg);
        leg_drop(leg);
    }
}

static int drop(struct job *job, struct spool_order *order, bool told, struct orders_said *said,
                struct err *err)
{
    order->kind = told ? SPOOL_DROP_TELL : SPOOL_DROP;
    if (write_down(job, order, err) < 0)
        return -1;
    job->dropped = true;
    snprintf(said->text, sizeof said->text, "is deleted%s%s", being_tried(job),
             count_legs(job, LEG_BUSY) ? ": whoever is owed after that gets nothing" : "");
    orders_drop_legs(job);
    return 0;
}

static int give(struct job *job, const struct notice *notice, struct orders_said *said,
                struct err *err)
{
    struct spool_order order = {.time_us = delivery_now_us(),
                                .by = pool_str(job->loaded->pool,
                                               str_sub(notice->why, 0, SPOOL_DETAIL_MAX))};
    switch (notice->kind) {
    case NOTICE_HOLD:
        return hold(job, &order, said, err);
    case NOTICE_RESUME:
        return resume(job, &order, said, err);
    case NOTICE_REQUEUE:
        return requeue(job, &order, said, err);
    default:
        return drop(job, &order, notice->kind == NOTICE_DROP_TELL, said, err);
    }
}

/* One that came just now may not be a job yet. */
static struct job *wanted(struct delivery *delivery, struct str id, struct err *err)
{
    char name[SPOOL_ID_LEN + 1];
    str_copy(id, name, sizeof name);
    if (job_find(delivery, id) == NULL)
        job_adopt(delivery, name);
    if (job_find(delivery, id) == NULL)
        job_wake(delivery, name);
    struct job *job = job_find(delivery, id);
    if (job && job->n_open && !job->dropped)
        return job;
    if (job && job->later_version)
        err_set(err, "%s was written by a later poterne, and is left alone", name);
    else if (job && job->n_open)
        err_set(err, "%s is deleted, as soon as what is on its way is done with", name);
    else
        job_absent(delivery, id, err);
    return NULL;
}

int orders_give(struct delivery *delivery, const struct notice *notice, struct orders_said *said,
                struct err *err)
{
    struct job *job = wanted(delivery, notice->id, err);
    if (job == NULL)
        return -1;
    char id[SPOOL_ID_LEN + 1];
    str_copy(notice->id, id, sizeof id);
    enum job_need got = job_need(job);
    if (got != JOB_LOADED) {
        if (got == JOB_LATER)
            job_rest(job);
        return err_set(err, "%s can't be read now; see the log", id);
    }
    int result = give(job, notice, said, err);
    if (result == 0)
        said->fd = fcntl(job->loaded->file->fd, F_DUPFD_CLOEXEC, 0);
    job_unneed(job);
    job_rest(job);
    return result;
}
