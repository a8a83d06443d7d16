#include "gateway/delivery/frozen.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/recipient.h"
#include "bounce/reason.h"

#define SECOND_US ((int64_t)1000000)
#define TIME_SIZE sizeof "2026-11-21 22:04"

/* --- is it? --- */

static void log_unknown(struct delivery *delivery, const struct err *err)
{
    if (!delivery->frozen_unknown)
        log_error("whether accounts are frozen can't be known: %s; their mail waits", err->text);
    delivery->frozen_unknown = true;
}

/* 1, 0; -1: it can't be known, which is logged once. */
static int look(const struct job *job, struct frozen *frozen)
{
    struct delivery *delivery = job->delivery;
    struct err err = {""};
    int known = senders_look(delivery->loaded->senders, str_of(job->account), frozen, &err);
    if (known < 0)
        log_unknown(delivery, &err);
    else
        delivery->frozen_unknown = false;
    return known;
}

static bool is_bound(const struct leg *leg)
{
    return leg->job->account && !leg->released;
}

bool frozen_is(const struct leg *leg)
{
    struct frozen frozen;
    return is_bound(leg) && (leg->job->frozen_us || look(leg->job, &frozen) != 0);
}

/* --- waiting --- */

static void put_why(int known, const struct frozen *frozen, char *text, size_t size)
{
    char since[TIME_SIZE] = "?";
    time_t time = (time_t)frozen->since;
    struct tm utc;
    if (known < 0) {
        snprintf(text, size, FROZEN_STATUS "may be frozen, which can't be known now");
        return;
    }
    if (gmtime_r(&time, &utc))
        strftime(since, sizeof since, "%Y-%m-%d %H:%M", &utc);
    snprintf(text, size, FROZEN_STATUS "is frozen since %s UTC: %s", since, frozen->why);
}

int64_t frozen_time(const struct job *job, int64_t now_us)
{
    return job->frozen_us && now_us > job->frozen_us ? now_us - job->frozen_us : 0;
}

/* The time that it waited so does not count, which is written down: after a restart it is not
 * known any more what it waited for. False: the job has gone. */
static bool thaw(struct job *job)
{
    struct err err;
    const int64_t now_us = delivery_now_us();
    const struct spool_order order = {.kind = SPOOL_THAW,
                                      .time_us = now_us,
                                      .uncounted_us = frozen_time(job, now_us)};
    if (job->frozen_us == 0)
        return true;
    enum job_need got = job_need(job);
    if (got == JOB_GONE)
        return false;
    job->since_us += order.uncounted_us;
    job->frozen_us = 0;
    if (got != JOB_LOADED)
        return true;
    if (spool_order(job->loaded->file, &order, &err) < 0)
        log_warning("%s: after a restart, the time that %s was frozen counts", err.text, job->id);
    job_unneed(job);
    return true;
}

bool frozen_waits(struct leg *leg)
{
    char why[CLIENT_TEXT_MAX + 1];
    struct frozen frozen = {.why = ""};
    struct job *job = leg->job;
    int known = is_bound(leg) ? look(job, &frozen) : 0;
    if (known == 0) {
        if (!thaw(job))
            return true;
        if (leg->told == TOLD_FROZEN)
            leg->told = TOLD_NOTHING;
        return false;
    }
    if (job->frozen_us == 0)
        job->frozen_us = delivery_now_us();
    if (leg->told != TOLD_FROZEN) {
        put_why(known, &frozen, why, sizeof why);
        if (!leg_tell(leg, TOLD_FROZEN, why))
            return true;
    }
    leg_wait(leg, FROZEN_LOOK_SECONDS);
    return true;
}

void frozen_adopt(struct job *job)
{
    const struct envelope *envelope = &job->loaded->file->envelope;
    for (size_t i = 0; job->account && i < job->n_legs; i++) {
        struct leg *leg = &job->legs[i];
        const struct spool_recipient *r = &envelope->recipients[leg->owed[0]];
        if (leg->released || r->state != RCPT_DEFERRED ||
            !str_starts(r->detail, STR(FROZEN_STATUS)) || r->state_time_us <= envelope->ordered_us)
            continue; /* what it waited before an order is counted there (orders.h) */
        leg->told = TOLD_FROZEN;
        if (job->frozen_us == 0 || r->state_time_us < job->frozen_us)
            job->frozen_us = r->state_time_us;
    }
}

/* --- who becomes frozen --- */

struct freezing {
    struct work work; /* first: a work is its freeze */
    struct delivery *delivery;
    struct freeze freeze;
};

static void run(struct work *work)
{
    freeze_run(&((struct freezing *)work)->freeze);
}

static void done(struct work *work)
{
    struct freezing *f = (struct freezing *)work;
    struct delivery *delivery = f->delivery;
    for (size_t i = 0; i < DELIVERY_FREEZES; i++)
        if (delivery->freezing[i] == f)
            delivery->freezing[i] = NULL;
    freeze_log(&f->freeze);
    if (f->freeze.id[0] && !delivery->draining)
        job_adopt(delivery, f->freeze.id);
    free(f);
}

/* A place for it; NULL: it is under way, or as many as may be are: its next bounce asks again. */
static struct freezing **place_for(struct delivery *delivery, const char *account)
{
    struct freezing **place = NULL;
    for (size_t i = 0; i < DELIVERY_FREEZES; i++) {
        struct freezing *f = delivery->freezing[i];
        if (f == NULL)
            place = &delivery->freezing[i];
        else if (str_ieq(str_of(f->freeze.account), str_of(account)))
            return NULL;
    }
    return place;
}

static void freeze(struct job *job, const struct bounces_counts *counts, struct str text)
{
    char room[FROZEN_WHY_MAX + 1];
    struct delivery *delivery = job->delivery;
    struct freezing **place = place_for(delivery, job->account);
    struct freezing *f = place ? calloc(1, sizeof *f) : NULL;
    if (f == NULL)
        return;
    snprintf(room, sizeof room,
             "of %u recipients of its mail elsewhere %u were refused within an hour, at last: %.*s",
             counts->of, counts->bounced, STR_ARG(str_sub(text, 0, FROZEN_WHY_MAX / 2)));
    f->work = (struct work){.run = run, .done = done};
    f->delivery = delivery;
    f->freeze.post = &delivery->loaded->post;
    f->freeze.senders = delivery->loaded->senders;
    f->freeze.told = freeze_may_tell(&delivery->notes, clock_seconds());
    freeze_set(&f->freeze, str_of(job->account), str_of(room));
    *place = f;
    workers_give(delivery->workers, &f->work);
}

static bool is_bounce(struct str text)
{
    const struct reason reason = reason_of(text);
    switch (reason.kind) {
    case REASON_NO_DOMAIN: /* ours to find out, too */
        return true;
    case REASON_FULL:
    case REASON_TOO_LARGE:
    case REASON_NOT_SECURE:
    case REASON_UNPROVED:
    case REASON_TOO_LATE:
        return false;
    case REASON_OTHER:
    case REASON_NO_MAILBOX:
    case REASON_POLICY:
        break;
    }
    return reason.of_server;
}

/* Who was answered for before a restart, in whatever way, was counted then. */
void frozen_note_sent(const struct job *job)
{
    const struct envelope *e = &job->loaded->file->envelope;
    int64_t now_us = delivery_now_us();
    size_t n = 0;
    if (job->account == NULL || now_us - e->time_us > BOUNCES_SECONDS * SECOND_US)
        return;
    for (size_t i = 0; i < e->n_recipients; i++)
        n += e->recipients[i].state == RCPT_OWED &&
             conf_domain_of(job->delivery->conf, e->recipients[i].address) == NULL;
    bounces_sent(&job->delivery->loaded->bounces, str_of(job->account), n, now_us / SECOND_US);
}

void frozen_note_result(struct job *job, uint32_t index, bool refused, struct str text)
{
    struct delivery *delivery = job->delivery;
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    struct bounces_counts counts;
    struct frozen frozen;
    struct str account = str_of(job->account ? job->account : "");
    if (account.n == 0 || conf_domain_of(delivery->conf, r->address))
        return;
    if (bounces_note(&delivery->loaded->bounces, account, refused && is_bounce(text),
                     delivery_now_us() / SECOND_US, &counts) &&
        look(job, &frozen) == 0)
        freeze(job, &counts, text);
}

/* --- what managers say --- */

/* Each is read and written to: others have their turn in between. */
int frozen_thawed(struct delivery *delivery, struct str account)
{
    const unsigned rounds = FROZEN_LOOK_SECONDS * 1000 / DELIVERY_ROUND_MS;
    unsigned n = 0;
    for (size_t i = 0; i < delivery->jobs.n_slots; i++)
        for (struct job *job = delivery->jobs.slots[i]; job; job = job->same_hash) {
            if (job->account == NULL || job->frozen_us == 0 ||
                !str_ieq(str_of(job->account), account))
                continue;
            /* those behind look by themselves */
            if (n / DELIVERY_ROUND < rounds)
                legs_hurry_in(job, n / DELIVERY_ROUND * DELIVERY_ROUND_MS);
            n++;
        }
    return (int)n;
}

/* Its legs that wait; false: it has none. The job may be gone. */
static bool set_aside(struct job *job, struct str why)
{
    bool any = false;
    if (job->account == NULL || job->n_open == 0 || job_need(job) != JOB_LOADED)
        return false;
    for (size_t i = 0; i < job->n_legs; i++) {
        struct leg *leg = &job->legs[i];
        if ((leg->state != LEG_WAITING && leg->state != LEG_LINED) || leg->released)
            continue;
        if (leg->state == LEG_LINED)
            hop_line_leave(leg->hop, leg);
        any |= leg_hold(leg, why);
    }
    job_unneed(job);
    return any;
}

/* Likewise of what rests. */
static int set_aside_resting(struct delivery *delivery, struct str account, struct str why, int max)
{
    char ids[DELIVERY_ROUND][SPOOL_ID_LEN + 1];
    size_t found = max > 0 ? jobs_resting_of(delivery, account, ids, (size_t)max) : 0;
    int n = 0;
    for (size_t i = 0; i < found; i++) {
        struct job *job = job_wake(delivery, ids[i]);
        if (job == NULL)
            continue;
        if (job->account && str_ieq(str_of(job->account), account))
            n += set_aside(job, why);
        if (job_find(delivery, str_of(ids[i])) == job)
            job_rest(job);
    }
    return n;
}

int frozen_set_aside(struct delivery *delivery, struct str account, struct str why, struct err *err)
{
    struct frozen frozen;
    int n = 0;
    int known = senders_look(delivery->loaded->senders, account, &frozen, err);
    if (known < 0)
        return -1;
    if (known == 0)
        return err_set(err, "the account is not frozen: what it has in the queue goes on");
    for (size_t i = 0; i < delivery->jobs.n_slots; i++)
        for (struct job *job = delivery->jobs.slots[i], *next; job; job = next) {
            next = job->same_hash;
            if (n < DELIVERY_ROUND && job->account && str_ieq(str_of(job->account), account))
                n += set_aside(job, why);
        }
    return n + set_aside_resting(delivery, account, why, DELIVERY_ROUND - n);
}
