/*
 * bounce: who sent it is told what can't be delivered (bounce/decide.h says who that is).
 *
 *   1 RCPT_RETURNING marked in the file    a crash before: it is tried again, and fails again
 *   2 the bounce committed to queue/       a crash before 3: it is made again, with the same
 *   3 RCPT_FAILED marked                   Message-ID, and comes twice at most
 *
 * The file is settled behind 3 only. A bounce tells of all who failed until then and have the same
 * one to be told; one is made at a time for a message.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "bounce/compose.h"
#include "bounce/decide.h"
#include "bounce/language.h"
#include "gateway/delivery/delivery.h"

/* What fails of a message within this time is told to its sender at once, in one bounce. */
#define GATHER_SECONDS 30
#define RETRY_SECONDS  60                 /* when one could not be made */
#define POOL_MAX       (16 * 1024 * 1024) /* memory for making one */

struct bounce_work {
    struct work work;
    struct job *job; /* loaded meanwhile */
    struct pool *pool;
    struct bounce_to to;
    struct outgoing mail;
    struct buf text, subject;
    uint32_t *indexes; /* of whom it tells; the first failed first */
    size_t n;
    int result;
    struct err err;
};

bool bounce_wanted(const struct job *job, uint32_t index)
{
    const struct envelope *e = &job->loaded->file->envelope;
    struct bounce_to to;
    return bounce_decide(job->delivery->conf, e, &e->recipients[index], &to);
}

static void work_free(struct bounce_work *w)
{
    buf_release(&w->text);
    buf_release(&w->subject);
    pool_free(&w->pool);
    free(w);
}

/* --- of whom --- */

static bool is_earlier(const struct spool_recipient *a, const struct spool_recipient *b)
{
    return b == NULL || a->state_time_us < b->state_time_us;
}

/* The settings are others than when it failed, and name nobody any more. */
static void hold(struct job *job, uint32_t index)
{
    struct spool_file *file = job->loaded->file;
    const struct spool_recipient *r = &file->envelope.recipients[index];
    const struct spool_mark mark = {.state = RCPT_HELD,
                                    .time_us = delivery_now_us(),
                                    .relay = r->relay,
                                    .detail = pool_strf(job->loaded->pool, "undeliverable: %.*s",
                                                        STR_ARG(r->detail))};
    struct err err;
    if (spool_mark(file, &index, 1, &mark, &err) < 0) {
        log_error("%s", err.text);
        spool_apply_mark(&file->envelope.recipients[index], &mark);
    }
    journal_tell_recipient(job, index);
    job->n_held++;
    job->n_returning--;
}

/* Who failed first decides who is told now; so it is the same again after a crash. */
static int choose(struct bounce_work *w, struct err *err)
{
    const struct conf *conf = w->job->delivery->conf;
    const struct envelope *e = &w->job->loaded->file->envelope;
    const struct spool_recipient *first = NULL;
    struct bounce_to to;
    w->indexes = POOL_ARRAY(w->pool, BOUNCE_FAILURES_MAX, uint32_t);
    if (w->indexes == NULL)
        return err_set(err, "out of memory");
    for (uint32_t i = 0; i < e->n_recipients; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        if (r->state != RCPT_RETURNING)
            continue;
        if (!bounce_decide(conf, e, r, &to)) {
            hold(w->job, i);
        } else if (is_earlier(r, first)) {
            first = r;
            w->indexes[0] = i;
            w->to = to;
        }
    }
    w->n = first != NULL;
    for (uint32_t i = 0; first && i < e->n_recipients && w->n < BOUNCE_FAILURES_MAX; i++) {
        const struct spool_recipient *r = &e->recipients[i];
        if (r != first && r->state == RCPT_RETURNING && bounce_decide(conf, e, r, &to) &&
            str_eq(to.address, w->to.address))
            w->indexes[w->n++] = i;
    }
    return 0;
}

/* --- what it says --- */

static int list_failures(struct bounce_work *w, struct bounce *bounce, struct err *err)
{
    const struct envelope *e = &w->job->loaded->file->envelope;
    struct bounce_failure *list = POOL_ARRAY(w->pool, w->n, struct bounce_failure);
    struct bounce_to to;
    if (list == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < w->n; i++) {
        const struct spool_recipient *r = &e->recipients[w->indexes[i]];
        bounce_decide(w->job->delivery->conf, e, r, &to);
        list[i] = (struct bounce_failure){.address = to.person.n ? to.person : r->address,
                                          .relay = r->relay,
                                          .detail = r->detail,
                                          .discreet = to.person.n != 0,
                                          .time_us = r->state_time_us};
    }
    bounce->failures = list;
    bounce->n = w->n;
    return 0;
}

/* The header alone where the message is larger than the limit; whole lines of it. */
static struct str header_of(const struct message *message, struct str start)
{
    struct str head = message->root->head;
    bool all = head.n < start.n;
    size_t end = all ? head.n : str_rchr(start, '\n') + 1;
    return str_sub(start, 0, end);
}

/* Read here and not in the thread: a file's beginning, which was read a moment ago to check it. */
static int take_original(struct bounce_work *w, struct bounce *bounce, struct message **message,
                         struct err *err)
{
    const struct spool_file *file = w->job->loaded->file;
    size_t limit = w->job->delivery->conf->bounces.original_limit;
    size_t n = file->size < limit ? (size_t)file->size : limit;
    char *bytes = pool_alloc(w->pool, n + 1);
    if (bytes == NULL)
        return err_set(err, "out of memory");
    ssize_t got = pread(file->fd, bytes, n, SPOOL_HEADER_SIZE);
    if (got < 0 || (size_t)got != n)
        return err_sys(err, "the message can't be read");
    struct str start = str_n(bytes, n);
    if (message_parse(w->pool, start, &mail_limits_default, message, err) < 0)
        return -1;
    bounce->whole = n == file->size;
    bounce->original = bounce->whole ? start : header_of(*message, start);
    return 0;
}

/* Whom to ask: of the domain of ours that has to do with it. */
static struct str postmaster(const struct bounce_work *w)
{
    const struct conf *conf = w->job->delivery->conf;
    const struct conf_domain *domain = conf_domain_of(conf, w->to.address);
    if (domain == NULL)
        domain = conf_domain_of(conf, w->to.person);
    return pool_strf(w->pool, "postmaster@%s", domain ? domain->name : conf->hostname);
}

static int compose(struct bounce_work *w, struct err *err)
{
    const struct conf *conf = w->job->delivery->conf;
    const struct envelope *e = &w->job->loaded->file->envelope;
    struct message *message;
    struct bounce bounce = {
        .id = str_of(w->mail.id),
        .message_id = pool_strf(w->pool, "%.*s.%u@%s", STR_ARG(e->id), (unsigned)w->indexes[0],
                                conf->hostname),
        .hostname = str_of(conf->hostname),
        .from = postmaster(w),
        .to = w->to.address,
        .now_us = delivery_now_us(),
        .international = e->smtputf8 || !str_is_ascii(w->to.address),
        .subject = e->subject,
        .about = e->message_id,
        .arrived_us = e->time_us,
    };
    if (take_original(w, &bounce, &message, err) < 0 || list_failures(w, &bounce, err) < 0)
        return -1;
    bounce.language = language_for(conf, message, w->pool, w->to.address);
    bounce_compose(&bounce, &w->text);
    bounce_subject(&bounce, &w->subject);
    w->mail.recipients = &w->to.address;
    w->mail.n_recipients = 1;
    w->mail.how = pool_strf(w->pool, "bounce of %.*s", STR_ARG(e->id));
    w->mail.message_id = pool_strf(w->pool, "<%.*s>", STR_ARG(bounce.message_id));
    w->mail.subject = buf_str(&w->subject);
    w->mail.mail = buf_str(&w->text);
    w->mail.utf8 = bounce.international;
    w->mail.eightbit = !str_is_ascii(w->mail.mail);
    bool memory = bounce.from.s && bounce.message_id.s && w->mail.how.s && w->mail.message_id.s &&
                  buf_ok(&w->text) && buf_ok(&w->subject);
    return memory ? 0 : err_set(err, "out of memory");
}

/* --- its way --- */

static void on_time(evutil_socket_t fd, short what, void *data);

static void wait_for(struct job *job, unsigned seconds)
{
    const struct timeval wait = {.tv_sec = seconds};
    if (job->bounce_timer == NULL)
        job->bounce_timer = evtimer_new(job->delivery->base, on_time, job);
    if (job->bounce_timer == NULL)
        log_error("%s: out of memory for a timer: its sender is told after a restart", job->id);
    else if (!evtimer_pending(job->bounce_timer, NULL))
        evtimer_add(job->bounce_timer, &wait);
}

/* In a thread, since it waits for the disk. That nobody tries any more is there before the bounce
 * that says so. */
static void run(struct work *work)
{
    struct bounce_work *w = (struct bounce_work *)work;
    w->result = spool_sync(w->job->loaded->file, &w->err);
    if (w->result == 0)
        w->result = post_commit(&w->job->delivery->loaded->post, &w->mail, &w->err);
}

static void mark_told(struct bounce_work *w)
{
    struct job *job = w->job;
    struct spool_file *file = job->loaded->file;
    for (size_t i = 0; i < w->n; i++) {
        uint32_t index = w->indexes[i];
        const struct spool_recipient *r = &file->envelope.recipients[index];
        struct str text = pool_strf(job->loaded->pool, "its sender is told by %s: %.*s", w->mail.id,
                                    STR_ARG(r->detail));
        const struct spool_mark mark = {.state = RCPT_FAILED,
                                        .time_us = delivery_now_us(),
                                        .relay = r->relay,
                                        .detail = str_sub(text, 0, SPOOL_DETAIL_MAX)};
        struct err err;
        if (spool_mark(file, &index, 1, &mark, &err) < 0) {
            log_error("%s: after a crash its sender may be told again", err.text);
            spool_apply_mark(&file->envelope.recipients[index], &mark);
        }
        journal_tell_recipient(job, index);
    }
    job->n_returning -= w->n;
}

/* Whether others are to be told now: the job goes on, or is settled. */
static void go_on(struct job *job)
{
    if (job->n_returning)
        bounce_soon(job);
    else if (job->n_open == 0)
        settle_begin(job);
}

static void done(struct work *work)
{
    struct bounce_work *w = (struct bounce_work *)work;
    struct job *job = w->job;
    struct delivery *delivery = job->delivery;
    job->bounce = NULL;
    if (w->result < 0) {
        log_error("%s: its sender can't be told yet: %s", job->id, w->err.text);
        wait_for(job, RETRY_SECONDS);
    } else {
        mark_told(w);
        if (!delivery->draining)
            job_adopt(delivery, w->mail.id);
        go_on(job);
    }
    work_free(w);
    job_unneed(job);
}

/* NULL: it can't be made now, or nobody is to be told any more. */
static struct bounce_work *work_new(struct job *job, struct err *err)
{
    struct bounce_work *w = calloc(1, sizeof *w);
    err_set(err, "out of memory");
    if (w == NULL)
        return NULL;
    w->work = (struct work){.run = run, .done = done};
    w->job = job;
    w->text = BUF_INIT(BOUNCE_SIZE_MAX);
    w->subject = BUF_INIT(BOUNCE_SUBJECT_MAX);
    w->pool = pool_new(POOL_MAX);
    spool_id_make(w->mail.id);
    if (w->pool && choose(w, err) == 0 && (w->n == 0 || compose(w, err) == 0) && w->n)
        return w;
    work_free(w);
    return NULL;
}

/* The job is loaded. */
static void begin(struct job *job)
{
    struct err err;
    if (job_need(job) != JOB_LOADED)
        return;
    job->bounce = work_new(job, &err);
    if (job->bounce) {
        workers_give(job->delivery->workers, &job->bounce->work);
        return;
    }
    if (job->n_returning) {
        log_error("%s: its sender can't be told yet: %s", job->id, err.text);
        wait_for(job, RETRY_SECONDS);
    } else {
        go_on(job);
    }
    job_unneed(job);
}

void bounce_soon(struct job *job)
{
    if (job->n_returning == 0 || job->bounce || job->delivery->draining)
        return;
    if (job->n_open)
        wait_for(job, GATHER_SECONDS);
    else
        begin(job);
}

static void on_time(evutil_socket_t fd, short what, void *data)
{
    struct job *job = data;
    if (job->n_returning == 0 || job->bounce || job->delivery->draining)
        return;
    switch (job_need(job)) {
    case JOB_LOADED:
        begin(job);
        job_unneed(job);
        break;
    case JOB_LATER:
        wait_for(job, RETRY_SECONDS);
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
