/* result: what comes of each recipient of a leg: marked in the file, told to the journal. */
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/recipient.h"
#include "bounce/reason.h"
#include "gateway/delivery/frozen.h"
#include "gateway/delivery/orders.h"
#include "gateway/delivery/sign.h"

/* False: it is not so, and the recipient as before. */
static bool set_state(struct job *job, const uint32_t *indexes, size_t n,
                      const struct spool_mark *mark)
{
    struct spool_file *file = job->loaded->file;
    struct err err;
    if (spool_mark(file, indexes, n, mark, &err) < 0) {
        log_error("%s: its mark \"%s\" can't be written", err.text,
                  recipient_state_name((enum recipient_state)mark->state));
        /* who is to be told reads it out of the file, after the job was unloaded as well */
        if (mark->state == RCPT_RETURNING)
            return false;
        /* what happened has happened: after a crash it may happen again, and that is all */
        for (size_t i = 0; i < n; i++)
            spool_apply_mark(&file->envelope.recipients[indexes[i]], mark);
        if (mark->state != RCPT_DEFERRED)
            unwritten_keep(job, indexes, n, mark);
    }
    for (size_t i = 0; i < n; i++) {
        const struct spool_recipient *r = &file->envelope.recipients[indexes[i]];
        log_write(mark->state == RCPT_DELIVERED ? LOG_DEBUG_LEVEL : LOG_INFO_LEVEL,
                  "%s to <%.*s> by %.*s: %s, %.*s", job->id, STR_ARG(r->address), STR_ARG(r->relay),
                  recipient_state_name((enum recipient_state)r->state), STR_ARG(r->detail));
        journal_tell_recipient(job, indexes[i]);
    }
    return true;
}

/* The server, or what is to be it. */
static struct str relay_of(const struct leg *leg)
{
    return leg->relay.n ? leg->relay : leg->hop ? str_of(leg->hop->text) : STR_EMPTY;
}

static struct spool_mark mark_of(const struct leg *leg, enum recipient_state state,
                                 struct str detail)
{
    return (struct spool_mark){.state = state,
                               .time_us = delivery_now_us(),
                               .relay = relay_of(leg),
                               .detail = detail};
}

/* A copy that lives as long as the loaded file does. */
static struct str keep_text(const struct leg *leg, struct str text)
{
    struct str kept = pool_str(leg->job->loaded->pool, str_sub(text, 0, SPOOL_DETAIL_MAX));
    return kept.s ? kept : STR("(out of memory for the reason)");
}

void leg_is_with(struct leg *leg, const char *relay, const char *security)
{
    leg->relay = pool_strf(leg->job->loaded->pool, "%s%s%s", relay, security ? ", " : "",
                           security ? security : "");
}

/* In quarantine, or back to the sender (bounce/decide.h). False: that can't be written, and he is
 * owed as before. */
static bool give_up(struct leg *leg, uint32_t index, struct str why)
{
    struct pool *pool = leg->job->loaded->pool;
    struct spool_mark mark;
    switch (bounce_wanted(leg->job, BOUNCE_FAILURE, index, why)) {
    case BOUNCE_TELL:
        mark = mark_of(leg, RCPT_RETURNING, keep_text(leg, why));
        if (!set_state(leg->job, &index, 1, &mark))
            return false;
        leg->job->n_returning++;
        return true;
    case BOUNCE_UNWANTED:
        mark = mark_of(leg, RCPT_FAILED, pool_strf(pool, RECIPIENT_NOT_TOLD "%.*s", STR_ARG(why)));
        break;
    case BOUNCE_NOBODY:
        mark = mark_of(leg, RCPT_HELD, pool_strf(pool, "undeliverable: %.*s", STR_ARG(why)));
        leg->job->n_held++;
        break;
    }
    return set_state(leg->job, &index, 1, &mark);
}

void leg_result(struct leg *leg, size_t i, enum client_outcome outcome, struct str text)
{
    struct spool_mark mark;
    switch (outcome) {
    case CLIENT_DELIVERED:
        frozen_note_result(leg->job, leg->owed[i], false, text);
        mark = mark_of(leg, RCPT_DELIVERED, keep_text(leg, text));
        bounce_note_way(leg->job, leg->owed[i], leg->way);
        set_state(leg->job, &leg->owed[i], 1, &mark);
        bounce_note_arrival(leg->job, leg->owed[i]);
        leg->delivered = true;
        leg->job->delivered |= leg->hop->kind != HOP_REPORTS;
        break;
    case CLIENT_REFUSED:
        frozen_note_result(leg->job, leg->owed[i], true, text);
        if (!give_up(leg, leg->owed[i], text))
            leg->why[i] = keep_text(leg, text);
        break;
    case CLIENT_DEFERRED:
        leg->why[i] = keep_text(leg, text);
        break;
    }
}

/* How long it has been tried, as far as the clock is believed. One from the future (the clock was
 * ahead when it came) counts from now on. */
static int64_t age_us(struct job *job)
{
    int64_t believed_us = delivery_believed_us(job->delivery);
    if (job->since_us > delivery_now_us())
        job->since_us = believed_us;
    return believed_us - job->since_us;
}

bool leg_is_expired(const struct leg *leg)
{
    const struct job *job = leg->job;
    return age_us(leg->job) > (int64_t)job->delivery->conf->queue.lifetime * 1000000 &&
           job->hold_us == 0 && !frozen_is(leg);
}

static bool hold_expired(struct leg *leg, uint32_t index, struct str why)
{
    unsigned lifetime = leg->job->delivery->conf->queue.lifetime;
    struct str text =
        pool_strf(leg->job->loaded->pool, REASON_EXPIRED "%u %s" REASON_AT_LAST "%.*s",
                  lifetime >= 86400 ? lifetime / 86400 : lifetime,
                  lifetime >= 86400 ? "days" : "seconds", STR_ARG(why));
    return give_up(leg, index, text);
}

/* Marks the owed ones as deferred, those with the same reason together. */
static void defer(struct leg *leg)
{
    for (size_t from = 0, to; from < leg->n; from = to) {
        to = from + 1;
        while (to < leg->n && str_eq(leg->why[to], leg->why[from]))
            to++;
        const struct spool_mark mark = mark_of(leg, RCPT_DEFERRED, leg->why[from]);
        set_state(leg->job, leg->owed + from, to - from, &mark);
    }
}

/* By somebody's order: its sender is told if that was said too and there is one to be told. */
static void drop_one(struct leg *leg, uint32_t index)
{
    struct job *job = leg->job;
    struct pool *pool = job->loaded->pool;
    const struct envelope *e = &job->loaded->file->envelope;
    const struct str last = e->recipients[index].detail;
    const struct str told = STR(ORDERS_TOLD);
    struct spool_mark mark = {.state = RCPT_RETURNING,
                              .time_us = delivery_now_us(),
                              .detail = told};
    if (e->drop_told && bounce_wanted(job, BOUNCE_FAILURE, index, told) == BOUNCE_TELL &&
        set_state(job, &index, 1, &mark)) {
        /* the journal takes two of one state and time for one that is told again */
        journal_tell_order(job, index, mark.state, mark.time_us + 1,
                           pool_strf(pool, ORDERS_DROPPED "%.*s; its sender is told",
                                     STR_ARG(e->ordered_by)));
        job->n_returning++;
        return;
    }
    mark.state = RCPT_DELETED;
    mark.detail = pool_strf(pool, ORDERS_DROPPED "%.*s%s%.*s", STR_ARG(e->ordered_by),
                            last.n ? REASON_AT_LAST : "", STR_ARG(last));
    set_state(job, &index, 1, &mark);
    job->deleted = true;
}

/* Only who is still owed stays in the leg. */
static void keep_owed(struct leg *leg)
{
    const struct envelope *envelope = &leg->job->loaded->file->envelope;
    bool expired = leg_is_expired(leg);
    size_t n = 0;
    for (size_t i = 0; i < leg->n; i++) {
        uint32_t index = leg->owed[i];
        if (!recipient_state_owed((enum recipient_state)envelope->recipients[index].state))
            continue;
        if (leg->job->dropped) {
            drop_one(leg, index);
            continue;
        }
        if (expired && hold_expired(leg, index, leg->why[i]))
            continue;
        leg->owed[n] = index;
        leg->why[n++] = leg->why[i];
    }
    leg->n = n;
}

struct file_sync {
    struct work work;
    int fd;
};

static void run_sync(struct work *work)
{
    struct file_sync *sync = (struct file_sync *)work;
    if (fdatasync(sync->fd) < 0)
        log_error("cannot fsync a message's marks: after a power cut it may be delivered twice");
    fsio_close_quiet(&sync->fd);
}

static void sync_done(struct work *work)
{
    free(work);
}

/* The file stays: what was delivered is to be on the disk soon. */
static void sync_marks(struct leg *leg)
{
    struct file_sync *sync = malloc(sizeof *sync);
    int fd = dup(leg->job->loaded->file->fd);
    if (sync == NULL || fd < 0) {
        free(sync);
        fsio_close_quiet(&fd);
        return; /* the kernel writes it within half a minute anyway */
    }
    *sync = (struct file_sync){.work = {.run = run_sync, .done = sync_done}, .fd = fd};
    workers_give(leg->job->delivery->workers, &sync->work);
}

static void close_leg(struct leg *leg)
{
    struct job *job = leg->job;
    leg->state = LEG_DONE;
    job_leg_done(job);
}

void leg_done(struct leg *leg)
{
    struct job *job = leg->job;
    const struct conf_queue *queue = &job->delivery->conf->queue;
    bool was_delivered = leg->delivered;
    leg->delivered = false;
    leg->told = TOLD_NOTHING;
    keep_owed(leg);
    defer(leg);
    if (leg->n == 0) {
        close_leg(leg);
    } else {
        leg->tries++;
        leg->returns = 0;
        leg_wait(leg, delivery_pause(queue->retry_first, queue->retry_max, leg->tries));
    }
    if (was_delivered && job->n_open)
        sync_marks(leg);
    if (leg->n)
        bounce_note_delay(job);
    free(leg->why);
    leg->why = NULL;
    bounce_soon(job);
    job_unneed(job);
}

enum job_need leg_begin(struct leg *leg)
{
    enum job_need got = job_need(leg->job);
    if (got != JOB_LOADED)
        return got;
    leg->why = calloc(leg->n, sizeof *leg->why);
    if (leg->why == NULL) {
        job_unneed(leg->job);
        return JOB_LATER;
    }
    leg->relay = STR_EMPTY;
    leg->way = WAY_FINAL;
    leg->state = LEG_BUSY;
    return JOB_LOADED;
}

void leg_return(struct leg *leg)
{
    if (leg->job->dropped) {
        leg_done(leg);
        return;
    }
    if (++leg->returns > DELIVERY_RETURNS_MAX) {
        for (size_t i = 0; i < leg->n; i++)
            leg_result(leg, i, CLIENT_DEFERRED, STR("the next hop closes every connection"));
        leg_done(leg);
        return;
    }
    free(leg->why);
    leg->why = NULL;
    if (leg->job->hold_us)
        leg->state = LEG_WAITING;
    else
        hop_line_up(leg->hop, leg, true);
    job_unneed(leg->job);
}

static void end_all(struct leg *leg, enum client_outcome outcome, const char *why)
{
    for (size_t i = 0; i < leg->n; i++)
        leg_result(leg, i, outcome, str_of(why));
    leg_done(leg);
}

void leg_fail(struct leg *leg, const char *why)
{
    end_all(leg, CLIENT_DEFERRED, why);
}

void leg_refuse(struct leg *leg, const char *why)
{
    end_all(leg, CLIENT_REFUSED, why);
}

bool leg_seal(struct leg *leg)
{
    struct loaded *loaded = leg->job->loaded;
    struct err err;
    if (leg->hop->kind == HOP_REPORTS || loaded->sealed)
        return true;
    if (signer_sign(leg->job->delivery->loaded->signer, loaded->file, loaded->pool, &err) == 0) {
        loaded->sealed = true;
        return true;
    }
    log_warning("%s: %s", leg->job->id, err.text);
    leg_fail(leg, err.text);
    return false;
}

bool leg_tell(struct leg *leg, enum leg_told what, const char *why)
{
    bool lined = leg->state == LEG_LINED;
    enum job_need got = leg_begin(leg);
    if (got == JOB_GONE)
        return false;
    leg->state = lined ? LEG_LINED : LEG_WAITING;
    if (got == JOB_LATER)
        return true;
    struct job *job = leg->job;
    struct str text = keep_text(leg, str_of(why));
    for (size_t i = 0; i < leg->n; i++)
        leg->why[i] = text;
    keep_owed(leg);
    defer(leg);
    leg->told = what;
    leg->outage = leg->hop ? leg->hop->outage : 0;
    free(leg->why);
    leg->why = NULL;
    bool owed = leg->n != 0;
    if (!owed && lined)
        hop_line_leave(leg->hop, leg);
    if (!owed)
        close_leg(leg);
    else
        bounce_note_delay(job);
    bounce_soon(job);
    job_unneed(job);
    return owed;
}

bool leg_hold(struct leg *leg, struct str why)
{
    struct job *job = leg->job;
    if (leg_begin(leg) != JOB_LOADED) {
        leg_postpone(leg);
        return false;
    }
    const struct spool_mark mark = {.state = RCPT_HELD,
                                    .time_us = delivery_now_us(),
                                    .detail = keep_text(leg, why)};
    set_state(job, leg->owed, leg->n, &mark);
    job->n_held += leg->n;
    leg->n = 0;
    free(leg->why);
    leg->why = NULL;
    close_leg(leg);
    bounce_soon(job);
    job_unneed(job);
    return true;
}

void leg_drop(struct leg *leg)
{
    enum job_need got = leg_begin(leg);
    if (got == JOB_LATER)
        leg_postpone(leg);
    if (got == JOB_LOADED)
        leg_done(leg); /* which drops whoever is still owed */
}
