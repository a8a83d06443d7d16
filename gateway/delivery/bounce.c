/*
 * bounce: who sent it is told what can't be delivered, what waits for long, and what got there
 * where he asked for that (bounce/decide.h says who that is).
 *
 *   1 RCPT_RETURNING marked in the file    a crash before: it is tried again, and fails again
 *   2 the bounce's id written in the file  a crash before 3: it is made again, with another id
 *   3 the bounce committed to queue/       a crash before 4: its id is found in queue/, and 4 done
 *   4 RCPT_FAILED marked
 *
 * It is found since no bounce leaves queue/ before its message is looked at: after a start the
 * oldest come first (sweep.c). The file is settled behind 4 only. What got there is told likewise:
 * how it went (SPOOL_NOTE_RELAYED, _PASSED) stands in the file before RCPT_DELIVERED does, and the
 * file is settled behind SPOOL_NOTE_SUCCESS only. What waits is told once of each recipient
 * (SPOOL_NOTE_DELAY); nothing waits for that. A note that the disk does not take is kept beside the
 * file (unwritten.c). A notice tells of all to whom the same happened until then and who have the
 * same one to be told; one is made at a time for a message, and DELIVERY_BOUNCES of all messages.
 */
#include <stdlib.h>

#include "base/log.h"
#include "gateway/delivery/bounce_work.h"
#include "gateway/gate/ours.h"
#include "gateway/loop.h"

/* What fails of a message within this time is told to its sender at once, in one bounce. */
#define GATHER_SECONDS 30
#define RETRY_SECONDS  60 /* when one could not be made: queue.retry_first, and that at most */
#define TRIES_MAX      10 /* to make one, where that does not fail for want of the disk */
#define TURN_SECONDS   2  /* when too many are being made */
#define POOL_MAX       (16 * 1024 * 1024) /* memory for making one */

/* Mail of ours of which nobody is told anything (gateway/outgoing.h), and which nobody misses. */
static bool is_expendable(const struct envelope *e, const struct spool_recipient *r)
{
    return str_eq(e->protocol, STR(OURS_LOCAL)) && e->sender.n == 0 && r->notify == DSN_NEVER &&
           r->released_us == 0;
}

enum bounce_answer bounce_wanted(const struct job *job, enum bounce_event event, uint32_t index,
                                 struct str why)
{
    const struct envelope *e = &job->loaded->file->envelope;
    struct bounce_to to;
    if (event == BOUNCE_FAILURE && is_expendable(e, &e->recipients[index]))
        return BOUNCE_UNWANTED;
    return bounce_decide(job->delivery->conf, job->brought, event, e, &e->recipients[index], why,
                         &to);
}

bool bounce_owes(const struct job *job)
{
    return job->n_returning || job->n_arrived || job->bounce;
}

/* --- what is to be told --- */

static int64_t until_delay(const struct job *job)
{
    int64_t warning = job->delivery->conf->bounces.delay_warning;
    return job->since_us + warning * 1000000 - delivery_believed_us(job->delivery);
}

/* Not of what a thief may have sent. */
static bool tells_of_delays(const struct job *job)
{
    return job->brought && job->delivery->conf->bounces.delay_warning && job->n_open &&
           job->frozen_us == 0 && job->hold_us == 0;
}

static void recount(struct job *job)
{
    const struct envelope *e = &job->loaded->file->envelope;
    bool late = tells_of_delays(job) && until_delay(job) <= 0;
    struct bounce_to to;
    job->n_returning = job->n_arrived = 0;
    job->delay_due = false;
    for (uint32_t i = 0; i < e->n_recipients; i++) {
        job->n_returning += e->recipients[i].state == RCPT_RETURNING;
        job->n_arrived += bounce_is_due(job, BOUNCE_SUCCESS, i, &to);
        job->delay_due |= late && bounce_is_due(job, BOUNCE_DELAY, i, &to);
    }
}

static void add_note(struct job *job, const uint32_t *indexes, size_t n, enum spool_note note)
{
    struct spool_file *file = job->loaded->file;
    int64_t now_us = delivery_now_us();
    struct err err;
    err_set(&err, "%s: an earlier note could not be written", job->id);
    if (!unwritten_has_note(job) && spool_add_note(file, indexes, n, note, now_us, &err) == 0)
        return;
    log_error("%s: after a crash its sender may be told again", err.text);
    unwritten_keep_note(job, indexes, n, note, now_us);
    for (size_t i = 0; i < n; i++)
        spool_apply_note(&file->envelope.recipients[indexes[i]], note);
}

void bounce_note_way(struct job *job, uint32_t index, enum leg_way way)
{
    static const enum spool_note notes[] = {[WAY_FINAL] = SPOOL_NOTE_FINAL,
                                            [WAY_RELAY] = SPOOL_NOTE_RELAYED,
                                            [WAY_NOTICES] = SPOOL_NOTE_PASSED};
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    bool said = r->notes & (SPOOL_NOTE_RELAYED | SPOOL_NOTE_PASSED);
    if (dsn_wants(r->notify, DSN_SUCCESS) && (said || way != WAY_FINAL))
        add_note(job, &index, 1, notes[way]);
}

void bounce_note_arrival(struct job *job, uint32_t index)
{
    struct bounce_to to;
    job->n_arrived += bounce_is_due(job, BOUNCE_SUCCESS, index, &to);
}

/* --- when --- */

static void on_time(evutil_socket_t fd, short what, void *data);

static unsigned retry_seconds(const struct job *job)
{
    unsigned first = job->delivery->conf->queue.retry_first;
    return first < RETRY_SECONDS ? first : RETRY_SECONDS;
}

/* No later than then. */
static void wait_for(struct job *job, int64_t seconds)
{
    const struct timeval wait = {.tv_sec = (time_t)seconds};
    struct timeval at, now;
    if (job->bounce_timer == NULL)
        job->bounce_timer = evtimer_new(job->delivery->base, on_time, job);
    if (job->bounce_timer == NULL) {
        log_error("%s: out of memory for a timer: its sender is told after a restart", job->id);
        return;
    }
    evutil_gettimeofday(&now, NULL);
    if (!event_pending(job->bounce_timer, EV_TIMEOUT, &at) || at.tv_sec > now.tv_sec + seconds)
        loop_wait(job->bounce_timer, &wait);
}

void bounce_note_delay(struct job *job)
{
    if (!tells_of_delays(job))
        return;
    int64_t left = until_delay(job);
    if (left > 0)
        wait_for(job, left / 1000000 + 1);
    else
        recount(job);
}

/* What is told next; BOUNCE_EVENTS: nothing. */
static enum bounce_event next_event(const struct job *job)
{
    return job->n_returning                ? BOUNCE_FAILURE
           : job->n_arrived                ? BOUNCE_SUCCESS
           : job->delay_due && job->n_open ? BOUNCE_DELAY
                                           : (enum bounce_event)BOUNCE_EVENTS;
}

/* --- who is not told --- */

/* Nobody tries any more, and nobody is told. */
static void end_untold(struct job *job, uint32_t index, enum recipient_state state, const char *why)
{
    struct spool_file *file = job->loaded->file;
    const struct spool_recipient *r = &file->envelope.recipients[index];
    struct str text = pool_strf(job->loaded->pool, "%s%.*s", why, STR_ARG(r->detail));
    const struct spool_mark mark = {.state = state,
                                    .time_us = delivery_now_us(),
                                    .relay = r->relay,
                                    .detail = str_sub(text, 0, SPOOL_DETAIL_MAX)};
    struct err err;
    if (spool_mark(file, &index, 1, &mark, &err) < 0) {
        log_error("%s", err.text);
        spool_apply_mark(&file->envelope.recipients[index], &mark);
        unwritten_keep(job, &index, 1, &mark);
    }
    journal_tell_recipient(job, index);
    job->n_held += state == RCPT_HELD;
}

/* The settings are others than when it failed, and name nobody any more. */
static void drop_untold(struct job *job)
{
    const struct envelope *e = &job->loaded->file->envelope;
    for (uint32_t i = 0; i < e->n_recipients; i++) {
        if (e->recipients[i].state != RCPT_RETURNING)
            continue;
        enum bounce_answer answer = bounce_wanted(job, BOUNCE_FAILURE, i, e->recipients[i].detail);
        if (answer == BOUNCE_NOBODY)
            end_untold(job, i, RCPT_HELD, "undeliverable: ");
        else if (answer == BOUNCE_UNWANTED)
            end_untold(job, i, RCPT_FAILED, RECIPIENT_NOT_TOLD);
    }
    recount(job);
}

/* It can't be made, now or ever: the managers see what failed, and nobody waits for the rest. */
static void give_up(struct job *job, enum bounce_event event)
{
    const struct envelope *e = &job->loaded->file->envelope;
    struct bounce_to to;
    log_error("%s: its sender is not told: that failed %d times", job->id, TRIES_MAX);
    for (uint32_t i = 0; i < e->n_recipients; i++) {
        if (!bounce_is_due(job, event, i, &to))
            continue;
        if (event == BOUNCE_FAILURE)
            end_untold(job, i, RCPT_HELD, "undeliverable, and its sender can't be told: ");
        else
            add_note(job, &i, 1, event == BOUNCE_DELAY ? SPOOL_NOTE_DELAY : SPOOL_NOTE_SUCCESS);
    }
    job->bounce_failures = 0;
    recount(job);
}

/* --- its way --- */

static void work_free(struct bounce_work *w)
{
    buf_release(&w->text);
    buf_release(&w->subject);
    pool_free(&w->pool);
    free(w);
}

/* In a thread, since it waits for the disk. What it tells is there before the notice that says
 * so. */
static void run(struct work *work)
{
    struct bounce_work *w = (struct bounce_work *)work;
    w->result = spool_sync(w->job->loaded->file, &w->err);
    if (w->result == 0)
        w->result = post_commit(&w->job->delivery->loaded->post, &w->mail, &w->err);
}

static void mark_failed(struct bounce_work *w)
{
    struct job *job = w->job;
    struct spool_file *file = job->loaded->file;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t index = w->indexes[i];
        const struct spool_recipient *r = &file->envelope.recipients[index];
        struct str text = pool_strf(job->loaded->pool, RECIPIENT_TOLD_BY "%s: %.*s", w->mail.id,
                                    STR_ARG(r->detail));
        const struct spool_mark mark = {.state = RCPT_FAILED,
                                        .time_us = delivery_now_us(),
                                        .relay = r->relay,
                                        .detail = str_sub(text, 0, SPOOL_DETAIL_MAX)};
        struct err err;
        if (spool_mark(file, &index, 1, &mark, &err) < 0) {
            log_error("%s: after a crash its sender may be told again", err.text);
            spool_apply_mark(&file->envelope.recipients[index], &mark);
            unwritten_keep(job, &index, 1, &mark);
        }
        journal_tell_recipient(job, index);
    }
}

/* In the trace of the message, beside what became of it. Who got it since waits no more. */
static void tell_trace(struct bounce_work *w)
{
    const struct envelope *e = &w->job->loaded->file->envelope;
    bool waits = w->event == BOUNCE_DELAY;
    for (size_t i = 0; i < w->n; i++)
        if (!waits || e->recipients[w->indexes[i]].state == RCPT_DEFERRED)
            journal_tell_notice(w->job, w->indexes[i], w->mail.id, waits ? " that it waits" : "");
}

static void mark_told(struct bounce_work *w)
{
    struct job *job = w->job;
    switch (w->event) {
    case BOUNCE_FAILURE:
        mark_failed(w);
        break;
    case BOUNCE_SUCCESS:
        log_info("%s: its sender is told by %s that it got there", job->id, w->mail.id);
        add_note(job, w->indexes, w->n, SPOOL_NOTE_SUCCESS);
        tell_trace(w);
        break;
    case BOUNCE_DELAY:
        log_info("%s: its sender is told by %s that it waits", job->id, w->mail.id);
        add_note(job, w->indexes, w->n, SPOOL_NOTE_DELAY);
        tell_trace(w);
        break;
    }
    job->bounce_failures = 0;
    recount(job);
}

/* --- after a start --- */

/* One that was begun about this recipient, and that what it says is not noted of. */
static bool is_unnoted(const struct job *job, uint32_t index)
{
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    struct bounce_to to;
    return r->begun.n && r->begun_about < BOUNCE_EVENTS &&
           bounce_is_due(job, (enum bounce_event)r->begun_about, index, &to);
}

/* Those of whom the notice tells that was begun about the first of them. */
static size_t told_together(const struct job *job, uint32_t first, uint32_t *indexes)
{
    const struct envelope *e = &job->loaded->file->envelope;
    const struct spool_recipient *r = &e->recipients[first];
    size_t n = 0;
    for (uint32_t i = first; i < e->n_recipients; i++)
        if (is_unnoted(job, i) && e->recipients[i].begun_about == r->begun_about &&
            str_eq(e->recipients[i].begun, r->begun))
            indexes[n++] = i;
    return n;
}

/* It was made, and the crash came before that was noted. */
static void note_made(struct job *job, uint32_t index, uint32_t *indexes)
{
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    struct bounce_work w = {.job = job, .event = (enum bounce_event)r->begun_about};
    str_copy(r->begun, w.mail.id, sizeof w.mail.id);
    if (spool_file_size(job->delivery->spool, SPOOL_QUEUE, w.mail.id) < 0)
        return;
    w.indexes = indexes;
    w.n = told_together(job, index, indexes);
    mark_told(&w);
}

void bounce_adopt(struct job *job)
{
    const struct envelope *e = &job->loaded->file->envelope;
    uint32_t *indexes = NULL;
    for (uint32_t i = 0; i < e->n_recipients; i++) {
        if (!is_unnoted(job, i))
            continue;
        if (indexes == NULL)
            indexes = pool_alloc(job->loaded->pool, e->n_recipients * sizeof *indexes);
        if (indexes)
            note_made(job, i, indexes);
    }
    recount(job);
}

/* --- going on --- */

/* Whether others are to be told now: the job goes on, or is settled. */
static void go_on(struct job *job)
{
    bounce_note_delay(job);
    if (next_event(job) != (enum bounce_event)BOUNCE_EVENTS)
        bounce_soon(job);
    else if (job->n_open == 0)
        settle_begin(job);
}

/* Of a delay nobody needs to hear when it is over. */
static void retry_later(struct job *job, const struct err *err)
{
    log_error("%s: its sender can't be told yet: %s", job->id, err->text);
    recount(job);
    if (next_event(job) != (enum bounce_event)BOUNCE_EVENTS)
        wait_for(job, retry_seconds(job));
    else
        go_on(job);
}

static void done(struct work *work)
{
    struct bounce_work *w = (struct bounce_work *)work;
    struct job *job = w->job;
    struct delivery *delivery = job->delivery;
    job->bounce = NULL;
    delivery->bounces--;
    if (w->result < 0) {
        retry_later(job, &w->err);
    } else {
        mark_told(w);
        if (!delivery->draining)
            job_adopt(delivery, w->mail.id);
        go_on(job);
    }
    work_free(w);
    job_unneed(job);
}

/* NULL with err set: it can't be made now. One that tells of nobody has n 0. */
static struct bounce_work *work_new(struct job *job, enum bounce_event event, struct err *err)
{
    struct bounce_work *w = calloc(1, sizeof *w);
    err_set(err, "out of memory");
    if (w == NULL)
        return NULL;
    w->work = (struct work){.run = run, .done = done};
    w->job = job;
    w->event = event;
    w->text = BUF_INIT(BOUNCE_SIZE_MAX);
    w->subject = BUF_INIT(BOUNCE_SUBJECT_MAX);
    w->pool = pool_new(POOL_MAX);
    spool_id_make(w->mail.id);
    if (w->pool && bounce_choose(w, err) == 0 && (w->n == 0 || bounce_write(w, err) == 0))
        return w;
    work_free(w);
    return NULL;
}

/* Before it is made. */
static int note_begun(struct bounce_work *w, struct err *err)
{
    struct job *job = w->job;
    struct str id = pool_str(job->loaded->pool, str_of(w->mail.id));
    if (id.s == NULL)
        return err_set(err, "out of memory");
    return spool_begin_notice(job->loaded->file, w->indexes, w->n, w->event, id, delivery_now_us(),
                              err);
}

/* One could not be made: later, or never. */
static void not_made(struct job *job, enum bounce_event event, const struct err *err)
{
    if (++job->bounce_failures < TRIES_MAX) {
        retry_later(job, err);
        return;
    }
    log_error("%s: %s", job->id, err->text);
    give_up(job, event);
    go_on(job);
}

/* The job is loaded, and something is to be told. */
static void begin(struct job *job)
{
    struct delivery *delivery = job->delivery;
    struct err err;
    if (delivery->bounces >= DELIVERY_BOUNCES) {
        wait_for(job, TURN_SECONDS);
        return;
    }
    if (job_need(job) != JOB_LOADED)
        return;
    drop_untold(job);
    enum bounce_event event = next_event(job);
    struct bounce_work *w =
        event == (enum bounce_event)BOUNCE_EVENTS ? NULL : work_new(job, event, &err);
    if (w && w->n && note_begun(w, &err) < 0) { /* the disk: that is waited for */
        work_free(w);
        retry_later(job, &err);
        job_unneed(job);
        return;
    }
    if (w && w->n) {
        job->bounce = w;
        delivery->bounces++;
        workers_give(delivery->workers, &w->work);
        return;
    }
    if (event != (enum bounce_event)BOUNCE_EVENTS && w == NULL)
        not_made(job, event, &err);
    else
        go_on(job);
    if (w)
        work_free(w);
    job_unneed(job);
}

void bounce_soon(struct job *job)
{
    enum bounce_event event = next_event(job);
    if (event == (enum bounce_event)BOUNCE_EVENTS || job->bounce || job->delivery->draining)
        return;
    if (job->n_open && event != BOUNCE_DELAY)
        wait_for(job, GATHER_SECONDS);
    else
        begin(job);
}

static void on_time(evutil_socket_t fd, short what, void *data)
{
    struct job *job = data;
    if (job->bounce || job->delivery->draining)
        return;
    if (job->delivery->bounces >= DELIVERY_BOUNCES) { /* before its file is read for nothing */
        wait_for(job, TURN_SECONDS);
        return;
    }
    switch (job_need(job)) {
    case JOB_LOADED:
        bounce_note_delay(job);
        if (next_event(job) != (enum bounce_event)BOUNCE_EVENTS)
            begin(job);
        job_unneed(job);
        break;
    case JOB_LATER:
        wait_for(job, retry_seconds(job));
        break;
    case JOB_GONE:
        break;
    }
}

void bounce_forget(struct job *job)
{
    if (job->bounce_timer)
        event_free(job->bounce_timer);
    job->bounce_timer = NULL;
}
