/* settle: a message whose fate is decided: the journal is told, and only when it has
 * committed that, the file goes or moves to where it is kept. */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/recipient.h"
#include "gateway/delivery/delivery.h"

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
    if (job->untold)
        tell_all(job);
    list_add(job->untold ? &delivery->untold : &delivery->settled, job);
    /* its last word may have been committed before we knew that it was the last; not from here,
     * since whoever settles the job still has it in hand */
    if (!job->untold && job->number <= delivery->acked)
        event_active(delivery->settle_soon, EV_TIMEOUT, 0);
}

/* The journal has room again, perhaps. */
void settle_tick(struct delivery *delivery)
{
    for (unsigned n = 0; n < DELIVERY_ROUND && delivery->untold.first; n++) {
        struct job *job = delivery->untold.first;
        enum job_need got = job_need(job);
        if (got == JOB_GONE)
            continue;
        if (got == JOB_LATER)
            return;
        tell_all(job);
        bool told = !job->untold;
        if (told) {
            settle_forget(job);
            list_add(&delivery->settled, job);
        }
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

static int note_held(const struct job *job, struct pool *pool, struct err *err)
{
    struct spool_file *file;
    bool corrupt;
    int result = 0;
    if (spool_peek(job->delivery->spool, job->folder, job->id, pool, &file, &corrupt, err) < 0)
        return -1;
    if (file->envelope.held.n == 0)
        result = spool_mark_held(file, first_reason(&file->envelope), err);
    if (result == 0)
        result = spool_note_journaled(file, err);
    spool_unload(&file);
    return result;
}

/* In a thread, since a move waits for the disk. */
static void keep_held(struct work *work)
{
    struct job *job = (struct job *)((char *)work - offsetof(struct job, work));
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    struct err err;
    int result = pool ? note_held(job, pool, &err) : err_set(&err, "%s: out of memory", job->id);
    pool_free(&pool);
    if (result == 0 && job->folder == SPOOL_QUEUE)
        result = spool_move(job->delivery->spool, job->id, SPOOL_QUEUE, SPOOL_QUARANTINE, &err);
    if (result < 0)
        log_error("%s; it is tried again later", err.text);
}

static void kept_held(struct work *work)
{
    job_free((struct job *)((char *)work - offsetof(struct job, work)));
}

static void finish(struct job *job)
{
    struct delivery *delivery = job->delivery;
    struct err err;
    settle_forget(job);
    if (job->n_held) {
        job->work = (struct work){.run = keep_held, .done = kept_held};
        workers_give(delivery->workers, &job->work);
        return;
    }
    if (spool_remove(delivery->spool, job->folder, job->id, &err) == 0)
        delivery->unlinked[job->folder] = true;
    else if (errno != ENOENT)
        log_error("%s; it was delivered and is tried to be removed again", err.text);
    job_free(job);
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

static void on_soon(evutil_socket_t fd, short what, void *data)
{
    finish_acked(data);
}

int settle_start(struct delivery *delivery, struct err *err)
{
    delivery->settle_soon = evtimer_new(delivery->base, on_soon, delivery);
    return delivery->settle_soon ? 0 : err_set(err, "out of memory for an event");
}
