/* settle: a message whose fate is decided: the journal is told, and only when it has
 * committed that, the file goes or moves to where it is kept. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/recipient.h"
#include "gateway/delivery/orders.h"

/* --- lists of settled jobs --- */

static void list_add(struct job_list *list, struct job *job)
{
    job->list = list;
    job->behind = NULL;
    job->before = list->last;
    if (list->last)
        list->last->behind = job;
    else
        list->first = job;
    list->last = job;
}

void settle_forget(struct job *job)
{
    struct job_list *list = job->list;
    if (list == NULL)
        return;
    if (job->before)
        job->before->behind = job->behind;
    else
        list->first = job->behind;
    if (job->behind)
        job->behind->before = job->before;
    else
        list->last = job->before;
    job->list = NULL;
}

/* --- telling --- */

/* Held is also who is owed in quarantine/: edge wrote no mark for it. */
static void tell_all(struct job *job)
{
    struct envelope *envelope = &job->loaded->file->envelope;
    job->untold = false;
    journal_tell_message(job);
    orders_tell_last(job);
    for (uint32_t i = 0; i < envelope->n_recipients && !job->untold; i++) {
        struct spool_recipient *r = &envelope->recipients[i];
        if (job->folder == SPOOL_QUARANTINE && r->state == RCPT_OWED) {
            r->state = RCPT_HELD;
            r->state_time_us = envelope->time_us;
            r->detail = envelope->held;
        }
        journal_tell_recipient(job, i);
    }
}

void settle_begin(struct job *job)
{
    struct delivery *delivery = job->delivery;
    bounce_forget(job); /* nobody is told any more: no timer may meet a file that is being moved */
    if (job->untold)
        tell_all(job);
    list_add(job->untold ? &delivery->untold : &delivery->settled, job);
    /* its last word may have been committed before we knew that it was the last; not from here,
     * since whoever settles the job still has it in hand */
    if (!job->untold && job->number <= delivery->acked)
        event_active(delivery->settle_soon, EV_TIMEOUT, 0);
}

/* The journal has room again, perhaps. */
static void tell_untold(struct delivery *delivery)
{
    for (unsigned n = 0; n < DELIVERY_ROUND && delivery->untold.first; n++) {
        struct job *job = delivery->untold.first;
        enum job_need got = job_need(job);
        if (got == JOB_GONE)
            continue;
        /* to the end of this list or of the other: one that can't be read holds up nobody */
        settle_forget(job);
        if (got == JOB_LATER) {
            list_add(&delivery->untold, job);
            continue;
        }
        tell_all(job);
        bool told = !job->untold;
        list_add(told ? &delivery->settled : &delivery->untold, job);
        job_unneed(job);
        if (!told)
            return;
    }
}

/* --- the end --- */

static struct str first_reason(const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->n_recipients; i++)
        if (envelope->recipients[i].state == RCPT_HELD && envelope->recipients[i].detail.n)
            return envelope->recipients[i].detail;
    return STR_EMPTY;
}

static int note_held(struct spool_file *file, struct err *err)
{
    if (file->envelope.held.n == 0 && spool_mark_held(file, first_reason(&file->envelope), err) < 0)
        return -1;
    if (spool_note_journaled(file, err) < 0)
        return -1;
    /* one that comes here from queue/ will stay for long: who has it already must not be forgotten
     * by a power cut */
    return file->state == SPOOL_QUEUE ? spool_sync(file, err) : 0;
}

/* The file gets the marks that it lacks, and `note` beside them. */
static int write_rest(struct job *job, int (*note)(struct spool_file *file, struct err *err),
                      struct err *err)
{
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    struct spool_file *file;
    int result = pool ? spool_peek(job->delivery->spool, job->folder, job->id, pool, &file,
                                   &job->damaged, err)
                      : err_set(err, "%s: out of memory", job->id);
    if (result == 0) {
        result = unwritten_write(job, file, pool, err);
        if (result == 0 && note)
            result = note(file, err);
        spool_unload(&file);
    }
    pool_free(&pool);
    return result;
}

static void keep_held(struct job *job)
{
    struct spool *spool = job->delivery->spool;
    struct err err;
    int result = write_rest(job, note_held, &err);
    if (result == 0 && job->folder == SPOOL_QUEUE)
        result = spool_move(spool, job->id, SPOOL_QUEUE, SPOOL_QUARANTINE, &err);
    if (result < 0)
        log_error("%s; it is tried again later", err.text);
}

/* In a thread, since a move waits for the disk. Until it is done nobody else touches the job. */
static void run_move(struct work *work)
{
    keep_held((struct job *)((char *)work - offsetof(struct job, work)));
}

/* While it is a job no sweep takes it for one that is owed. */
static void try_again_later(struct job *job)
{
    unsigned first = job->delivery->conf->queue.retry_first;
    job->again_at =
        clock_seconds() + (first < DELIVERY_STUCK_SECONDS ? first : DELIVERY_STUCK_SECONDS);
    list_add(&job->delivery->stuck, job);
}

static bool is_there(const struct job *job)
{
    return spool_file_size(job->delivery->spool, job->folder, job->id) >= 0 || errno != ENOENT;
}

static void move_done(struct work *work)
{
    struct job *job = (struct job *)((char *)work - offsetof(struct job, work));
    if (!job->damaged && is_there(job)) { /* a damaged one is for the sweep to set aside */
        try_again_later(job);
        return;
    }
    vault_renew(job->delivery, job->id);
    job_free(job);
}

static void remove_file(struct job *job)
{
    struct delivery *delivery = job->delivery;
    struct err err, marks;
    if (kept_take(job)) {
        delivery->unlinked[SPOOL_KEPT] = delivery->unlinked[job->folder] = true;
    } else if (spool_remove(delivery->spool, job->folder, job->id, &err) == 0) {
        delivery->unlinked[job->folder] = true;
    } else if (errno != ENOENT) {
        log_error("%s; it was delivered and is tried to be removed again", err.text);
        if (job->unwritten && write_rest(job, NULL, &marks) < 0)
            log_error("%s: after a crash it may be delivered again", marks.text);
        try_again_later(job);
        return;
    }
    if (job->folder == SPOOL_QUARANTINE)
        vault_drop(delivery, job->id);
    job_free(job);
}

static void finish(struct job *job)
{
    struct delivery *delivery = job->delivery;
    settle_forget(job);
    if (job->n_held && job->folder == SPOOL_QUEUE) {
        job->work = (struct work){.run = run_move, .done = move_done};
        workers_give(delivery->workers, &job->work);
        return;
    }
    if (job->n_held) {
        keep_held(job);
        vault_renew(delivery, job->id);
        job_free(job);
        return;
    }
    remove_file(job);
}

static void finish_acked(struct delivery *delivery)
{
    while (delivery->settled.first && delivery->settled.first->number <= delivery->acked)
        finish(delivery->settled.first);
}

void settle_acked(struct delivery *delivery, uint64_t number)
{
    delivery->acked = number;
    finish_acked(delivery);
}

static void try_stuck(struct delivery *delivery)
{
    int64_t now = clock_seconds();
    for (unsigned n = 0; n < DELIVERY_ROUND && delivery->stuck.first; n++) {
        if (delivery->stuck.first->again_at > now)
            return;
        finish(delivery->stuck.first);
    }
}

void settle_tick(struct delivery *delivery)
{
    tell_untold(delivery);
    try_stuck(delivery);
}

static void on_soon(evutil_socket_t fd, short what, void *data)
{
    finish_acked(data);
}

int settle_start(struct delivery *delivery, struct err *err)
{
    delivery->settle_soon = evtimer_new(delivery->base, on_soon, delivery);
    return delivery->settle_soon ? 0 : err_set(err, "out of memory for an event");
}
