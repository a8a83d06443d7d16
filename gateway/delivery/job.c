/* job: what is in memory of each file, and reading it when it is needed. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/recipient.h"
#include "directory/report.h"
#include "gateway/delivery/frozen.h"
#include "gateway/delivery/orders.h"
#include "gateway/gate/ours.h"
#include "quarantine/quarantine.h"

#define TABLE_FIRST 1024

/* --- the table --- */

static struct job **slot_of(const struct job_table *table, struct str id)
{
    return &table->slots[str_hash(id) & (table->n_slots - 1)];
}

struct job *job_find(struct delivery *delivery, struct str id)
{
    if (delivery->jobs.n_slots == 0)
        return NULL;
    struct job *job = *slot_of(&delivery->jobs, id);
    while (job && !str_eq(str_of(job->id), id))
        job = job->same_hash;
    return job;
}

static bool table_grow(struct job_table *table)
{
    struct job_table bigger = {.n = table->n};
    if (table->n < table->n_slots)
        return true;
    bigger.n_slots = table->n_slots ? 2 * table->n_slots : TABLE_FIRST;
    bigger.slots = calloc(bigger.n_slots, sizeof(struct job *));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < table->n_slots; i++)
        for (struct job *job = table->slots[i], *next; job; job = next) {
            struct job **slot = slot_of(&bigger, str_of(job->id));
            next = job->same_hash;
            job->same_hash = *slot;
            *slot = job;
        }
    free(table->slots);
    *table = bigger;
    return true;
}

static struct job *job_new(struct delivery *delivery, const char *id, enum spool_state folder)
{
    struct job *job = NULL;
    if (table_grow(&delivery->jobs))
        job = calloc(1, sizeof *job);
    if (job == NULL) {
        log_warning("out of memory for %s: it waits on the disk", id);
        return NULL;
    }
    struct job **slot = slot_of(&delivery->jobs, str_of(id));
    memcpy(job->id, id, sizeof job->id);
    job->delivery = delivery;
    job->folder = folder;
    job->same_hash = *slot;
    *slot = job;
    delivery->jobs.n++;
    return job;
}

static void legs_free(struct job *job)
{
    for (size_t i = 0; i < job->n_legs; i++) {
        struct leg *leg = &job->legs[i];
        if (leg->state == LEG_LINED)
            hop_line_leave(leg->hop, leg);
        if (leg->timer)
            event_free(leg->timer);
        if (leg->hop)
            leg->hop->users--;
        free(leg->owed);
        free(leg->why);
    }
    free(job->legs);
}

static void loaded_free(struct job *job)
{
    if (job->loaded == NULL)
        return;
    spool_unload(&job->loaded->file);
    pool_free(&job->loaded->pool);
    free(job->loaded);
    job->loaded = NULL;
}

void job_free(struct job *job)
{
    struct job **slot = slot_of(&job->delivery->jobs, str_of(job->id));
    while (*slot != job)
        slot = &(*slot)->same_hash;
    *slot = job->same_hash;
    job->delivery->jobs.n--;
    settle_forget(job);
    bounce_forget(job);
    legs_free(job);
    loaded_free(job);
    unwritten_free(job);
    free(job->account);
    free(job);
}

void jobs_free(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->jobs.n_slots; i++)
        while (delivery->jobs.slots[i])
            job_free(delivery->jobs.slots[i]);
    free(delivery->jobs.slots);
    delivery->jobs = (struct job_table){0};
    resting_free(&delivery->resting);
}

/* --- reading the file --- */

static void set_aside(struct job *job, const char *why)
{
    struct err err;
    if (spool_set_aside(job->delivery->spool, job->folder, job->id, &err) < 0) {
        log_error("%s; and it can't be set aside: %s", why, err.text);
        return;
    }
    log_error("%s; set aside as corrupt/%s and not delivered: see what can be saved of it", why,
              job->id);
    if (job->folder == SPOOL_QUARANTINE)
        vault_drop(job->delivery, job->id);
}

static enum job_need read_file(struct job *job, struct loaded *loaded)
{
    struct err err;
    bool corrupt;
    if (spool_load(job->delivery->spool, job->folder, job->id, loaded->pool, &loaded->file,
                   &corrupt, &err) == 0) {
        if (loaded->file->records_lost)
            log_warning("%s: a cut of power took some of what became of it: it may be delivered to "
                        "who has it",
                        job->id);
        unwritten_write(job, loaded->file, loaded->pool, &err);
        if (released_mark(loaded->file, loaded->pool, &err) == 0)
            return JOB_LOADED;
        spool_unload(&loaded->file);
        log_warning("%s; it is tried again later", err.text);
        return JOB_LATER;
    }
    if (corrupt) {
        set_aside(job, err.text);
        return JOB_GONE;
    }
    if (errno == ENOTSUP) {
        job->later_version = true;
        log_error("%s; it stays there and is not delivered: install the poterne that wrote it",
                  err.text);
        return JOB_LATER;
    }
    if (errno == ENOENT) {
        log_debug("%s is no longer there", job->id);
        return JOB_GONE;
    }
    log_warning("%s; it is tried again later", err.text);
    return JOB_LATER;
}

enum job_need job_need(struct job *job)
{
    if (job->loaded) {
        job->loaded->users++;
        return JOB_LOADED;
    }
    struct loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded)
        loaded->pool = pool_new(DELIVERY_LOAD_MAX);
    if (loaded == NULL || loaded->pool == NULL) {
        free(loaded);
        log_warning("out of memory for %s: it is tried again later", job->id);
        return JOB_LATER;
    }
    enum job_need result = read_file(job, loaded);
    if (result == JOB_LOADED) {
        loaded->users = 1;
        job->loaded = loaded;
        return result;
    }
    pool_free(&loaded->pool);
    free(loaded);
    if (result == JOB_GONE)
        job_free(job);
    return result;
}

void job_unneed(struct job *job)
{
    if (--job->loaded->users == 0)
        loaded_free(job);
}

/* --- adopting --- */

static size_t count(const struct envelope *envelope, enum recipient_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < envelope->n_recipients; i++)
        n += envelope->recipients[i].state == state;
    return n;
}

/* What happened before a restart may not have reached the journal: it is told again in the end. */
static void tell_begin(struct job *job)
{
    const struct envelope *envelope = &job->loaded->file->envelope;
    journal_tell_message(job);
    orders_tell_last(job);
    for (uint32_t i = 0; i < envelope->n_recipients; i++) {
        unsigned state = envelope->recipients[i].state;
        if (state == RCPT_RELEASED || state == RCPT_REDIRECTED)
            journal_tell_recipient(job, i);
        job->untold = job->untold || (state != RCPT_OWED && state != RCPT_REDIRECTED);
    }
}

static bool was_delivered(const struct delivery *delivery, const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->n_recipients; i++)
        if (envelope->recipients[i].state == RCPT_DELIVERED &&
            report_address_of(delivery->conf, envelope->recipients[i].address) ==
                REPORT_ADDRESS_NONE)
            return true;
    return false;
}

static bool was_deleted(const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->n_recipients; i++)
        if (envelope->recipients[i].state == RCPT_DELETED)
            return true;
    return false;
}

static bool is_full(const struct delivery *delivery)
{
    return delivery->jobs.n >= DELIVERY_JOBS_MAX;
}

static void say_full(struct delivery *delivery)
{
    int64_t now = clock_seconds();
    if (now < delivery->jobs_quiet_until)
        return;
    delivery->jobs_quiet_until = now + DELIVERY_JOBS_SAY;
    log_warning("%d messages wait or are being delivered: no more fit into memory; others wait on "
                "the disk until some of these have gone (poterne queue)",
                DELIVERY_JOBS_MAX);
}

static bool has_room(struct delivery *delivery)
{
    if (is_full(delivery))
        say_full(delivery);
    return !is_full(delivery);
}

int job_absent(struct delivery *delivery, struct str id, struct err *err)
{
    char name[SPOOL_ID_LEN + 1];
    str_copy(id, name, sizeof name);
    if (job_find(delivery, id) == NULL && is_full(delivery) &&
        spool_file_size(delivery->spool, SPOOL_QUEUE, name) >= 0)
        return err_set(err,
                       "%s waits on the disk, since as many messages as may be (%d) are in "
                       "memory: ask again when some of these have gone",
                       name, DELIVERY_JOBS_MAX);
    return err_set(err, "%s does not wait for delivery", name);
}

/* A new job that is loaded, which is none yet; NULL when it can't be one now: a later sweep then
 * finds the file again. What a later poterne wrote is a job without legs until the next start, so
 * that no sweep reads it, and says so, again. */
static struct job *adopt(struct delivery *delivery, const char *id, enum spool_state folder)
{
    struct job *job = job_new(delivery, id, folder);
    if (job == NULL)
        return NULL;
    enum job_need got = job_need(job);
    if (got == JOB_LATER && !job->later_version)
        job_free(job);
    if (got != JOB_LOADED)
        return NULL;
    job->delivered = was_delivered(delivery, &job->loaded->file->envelope);
    job->deleted = was_deleted(&job->loaded->file->envelope);
    job->brought = ours_brought(&delivery->loaded->inside, job->loaded->file->envelope.protocol,
                                job->loaded->file->envelope.client_ip);
    return job;
}

static int note_account(struct job *job, struct err *err)
{
    struct str account = job->loaded->file->envelope.account;
    if (account.n == 0)
        return 0;
    job->account = strndup(account.s, account.n);
    return job->account ? 0 : err_set(err, "out of memory");
}

/* It has its legs, and goes on where it was; `again`: it was a job before. NULL: not now. */
static struct job *adopt_owed(struct delivery *delivery, const char *id, bool again)
{
    struct err err;
    struct job *job = adopt(delivery, id, SPOOL_QUEUE);
    if (job == NULL)
        return NULL;
    const struct envelope *envelope = &job->loaded->file->envelope;
    job->since_us = spool_counts_from(envelope);
    job->hold_us = envelope->hold_us;
    job->dropped = envelope->dropped;
    job->n_held = count(envelope, RCPT_HELD);
    bounce_adopt(job);
    if (note_account(job, &err) < 0 || legs_make(job, &err) < 0) {
        log_warning("%s: %s; it is tried again later", id, err.text);
        job_free(job);
        return NULL;
    }
    frozen_adopt(job);
    if (!again)
        frozen_note_sent(job);
    if (job->n_open) {
        if (again)
            job->untold = true; /* what of it the journal did not take is not known any more */
        else
            tell_begin(job);
        bounce_note_delay(job);
        if (job->dropped)
            orders_drop_legs(job);
        else
            legs_start(job);
    } else {
        job->untold = true; /* it was all settled before a restart; the journal may not know */
        if (!bounce_owes(job))
            settle_begin(job);
    }
    bounce_soon(job);
    job_unneed(job);
    return job;
}

void job_adopt(struct delivery *delivery, const char *id)
{
    struct job *job = job_find(delivery, str_of(id));
    if (job == NULL && !resting_has(&delivery->resting, str_of(id)) && has_room(delivery))
        job = adopt_owed(delivery, id, false);
    if (job)
        job_rest(job);
}

/* --- what is on hold --- */

/* In whatever case it is written; 0: it is nobody's. */
static uint64_t account_number(const struct delivery *delivery, struct str account)
{
    char lower[SPOOL_ACCOUNT_MAX];
    size_t n = 0;
    for (; n < account.n && n < sizeof lower; n++)
        lower[n] = str_lower_char(account.s[n]);
    return n ? siphash(delivery->sender_key, str_n(lower, n)) : 0;
}

size_t jobs_resting_of(const struct delivery *delivery, struct str account,
                       char (*ids)[SPOOL_ID_LEN + 1], size_t max)
{
    return resting_of(&delivery->resting, account_number(delivery, account), ids, max);
}

/* Nothing of it is under way, nor known in memory alone. */
static bool is_idle(const struct job *job)
{
    for (size_t i = 0; i < job->n_legs; i++)
        if (job->legs[i].state == LEG_BUSY)
            return false;
    return job->folder == SPOOL_QUEUE && job->n_open && !job->dropped && job->loaded == NULL &&
           job->list == NULL && job->unwritten == NULL && !bounce_owes(job);
}

void job_rest(struct job *job)
{
    struct delivery *delivery = job->delivery;
    if (!is_idle(job))
        return;
    if (job->hold_us
            ? resting_put(&delivery->resting, str_of(job->id),
                          account_number(delivery, str_of(job->account ? job->account : "")))
            : delivery->jobs.n > DELIVERY_JOBS_MAX)
        job_free(job);
}

struct job *job_wake(struct delivery *delivery, const char *id)
{
    if (!resting_has(&delivery->resting, str_of(id)) ||
        delivery->jobs.n >= DELIVERY_JOBS_MAX + DELIVERY_JOBS_ORDERED)
        return NULL;
    resting_drop(&delivery->resting, str_of(id));
    return adopt_owed(delivery, id, true);
}

/* Marks were written, but the move to queue/ was not: a crash came between. */
static bool is_released(const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->n_recipients; i++)
        if (envelope->recipients[i].state == RCPT_RELEASED ||
            envelope->recipients[i].state == RCPT_DEFERRED)
            return true;
    return false;
}

bool job_is_released(struct delivery *delivery, const char *id)
{
    struct spool_file *file;
    struct err err;
    bool corrupt;
    bool released = false;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool &&
        spool_peek(delivery->spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err) == 0) {
        released = is_released(&file->envelope);
        spool_unload(&file);
    }
    pool_free(&pool);
    return released;
}

static void finish_release(struct delivery *delivery, const char *id)
{
    struct err err;
    if (spool_move(delivery->spool, id, SPOOL_QUARANTINE, SPOOL_QUEUE, &err) < 0) {
        log_error("%s", err.text);
        return;
    }
    vault_drop(delivery, id);
    job_adopt(delivery, id);
}

enum held_state { HELD_KNOWN, HELD_NEW, HELD_RELEASED };

/* Without reading the message: most of what lies in quarantine/ has long been told. One that can't
 * be read counts as new, and is dealt with when it is loaded. */
static enum held_state look_at_held(struct delivery *delivery, const char *id)
{
    struct spool_file *file;
    struct err err;
    bool corrupt;
    enum held_state state = HELD_NEW;
    if (vault_knows(delivery, id))
        return HELD_KNOWN;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool &&
        spool_peek(delivery->spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err) == 0) {
        state = is_released(&file->envelope) ? HELD_RELEASED
                : file->journaled            ? HELD_KNOWN
                                             : HELD_NEW;
        if (state != HELD_RELEASED && quarantine_held_count(&file->envelope))
            vault_put(delivery, file);
        spool_unload(&file);
    }
    pool_free(&pool);
    return state;
}

static void adopt_new_held(struct delivery *delivery, const char *id)
{
    struct job *job = has_room(delivery) ? adopt(delivery, id, SPOOL_QUARANTINE) : NULL;
    if (job == NULL)
        return;
    job->n_held = quarantine_held_count(&job->loaded->file->envelope);
    job->untold = true;
    settle_begin(job);
    job_unneed(job);
}

void job_adopt_held(struct delivery *delivery, const char *id)
{
    if (job_find(delivery, str_of(id)))
        return;
    switch (look_at_held(delivery, id)) {
    case HELD_KNOWN:
        break;
    case HELD_NEW:
        adopt_new_held(delivery, id);
        break;
    case HELD_RELEASED:
        finish_release(delivery, id);
        break;
    }
}

void job_leg_done(struct job *job)
{
    if (--job->n_open == 0 && !bounce_owes(job))
        settle_begin(job);
}
