/* decide: what somebody has decided about a held message, and what has been held long enough. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/recipient.h"
#include "base/witness.h"
#include "gateway/delivery/delivery.h"
#include "gateway/loop.h"
#include "gateway/smtp/address.h"
#include "quarantine/index.h"
#include "quarantine/quarantine.h"

#define EXPIRE_ROUND  16    /* messages before others have their turn */
#define EXPIRE_AGAIN  86400 /* seconds between two looks */
#define EXPIRE_FIRST  60    /* … from the start to the first one */
#define EXPIRE_FAILED 3600  /* … to the next one when a message could not be removed */

/* --- one message --- */

/* A held message whose entry in the journal is still under way is told again when it is settled. */
static int forget_job(struct delivery *delivery, const char *id, struct err *err)
{
    struct job *job = job_find(delivery, str_of(id));
    if (job == NULL && !resting_has(&delivery->resting, str_of(id)))
        return 0;
    if (job == NULL || job->n_open)
        return err_set(err,
                       "%s is still owed to other recipients: it comes into quarantine when "
                       "these are done",
                       id);
    if (job->folder == SPOOL_QUEUE)
        return err_set(err, "%s is on its way out of the queue: ask again in a moment", id);
    job_free(job);
    return 0;
}

/* The decision is written to the file; from here on a crash only delays what follows of it. An
 * address that is not empty gets a copy. How many recipients, or -1. */
static int mark(struct delivery *delivery, const char *id, struct str address,
                const struct quarantine_decision *decision, struct err *err)
{
    struct spool_file *file;
    bool corrupt;
    int n = -1;
    if (forget_job(delivery, id, err) < 0)
        return -1;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool == NULL)
        return err_set(err, "out of memory");
    /* what goes out must be whole; what goes away need not be */
    int (*const open_file)(struct spool *, enum spool_state, const char *, struct pool *,
                           struct spool_file **, bool *, struct err *) =
        decision->to == RCPT_DELETED ? spool_peek : spool_load;
    if (open_file(delivery->spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, err) == 0) {
        n = address.n ? quarantine_add(file, address, decision, err)
                      : quarantine_decide(file, decision, err);
        spool_unload(&file);
    } else if (errno == ENOENT) {
        err_set(err, "%s is not in quarantine", id);
    }
    pool_free(&pool);
    return n;
}

static int release(struct delivery *delivery, const char *id, int n, struct err *err)
{
    if (n > 0 && spool_move(delivery->spool, id, SPOOL_QUARANTINE, SPOOL_QUEUE, err) < 0)
        n = -1;
    if (n < 0) {
        /* whether fsync or the move failed: a sweep finishes what the file says */
        if (job_is_released(delivery, id))
            err_prefix(err, "the release is written down and follows by itself");
        job_adopt_held(delivery, id);
        return -1;
    }
    vault_drop(delivery, id);
    vault_commit(delivery);
    job_adopt(delivery, id);
    return n;
}

int decide_held(struct delivery *delivery, const struct notice *notice, enum recipient_state to,
                struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    const struct quarantine_decision decision = {.recipient = notice->recipient,
                                                 .to = to,
                                                 .why = str_sub(notice->why, 0, SPOOL_DETAIL_MAX),
                                                 .time_us = delivery_now_us()};
    str_copy(notice->id, id, sizeof id);
    int n = mark(delivery, id, STR_EMPTY, &decision, err);
    if (to == RCPT_RELEASED)
        return release(delivery, id, n, err);
    job_adopt_held(delivery, id);
    vault_commit(delivery);
    return n;
}

/* An address that RCPT would take, in a domain of ours: what is held goes to nobody else. */
static int check_address(struct delivery *delivery, struct str text, struct smtp_address *address,
                         struct err *err)
{
    char path[SMTP_ADDRESS_MAX + 3];
    int n = snprintf(path, sizeof path, "<%.*s>", STR_ARG(text));
    struct str rest = str_n(path, n > 0 && (size_t)n < sizeof path ? (size_t)n : 0);
    if (!smtp_address_parse(&rest, address) || rest.n || !address->has_domain)
        return err_set(err, "\"%.*s\" is no mail address", STR_ARG(str_sub(text, 0, 100)));
    struct str whole = smtp_address_str(address);
    struct hop *hop;
    if (conf_domain_of(delivery->conf, whole) == NULL ||
        hop_for(delivery, whole, ASKED_NOTHING, &hop) <= 0)
        return err_set(err, "%.*s is in none of the domains that mail is delivered to",
                       STR_ARG(text));
    if (hop->kind == HOP_REPORTS)
        return err_set(err, "%.*s is an address of reports, which has no mailbox", STR_ARG(text));
    return 0;
}

int decide_copy(struct delivery *delivery, const struct notice *notice, struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    struct smtp_address address;
    const struct quarantine_decision decision = {.to = RCPT_RELEASED,
                                                 .why = str_sub(notice->why, 0, SPOOL_DETAIL_MAX),
                                                 .time_us = delivery_now_us()};
    str_copy(notice->id, id, sizeof id);
    if (check_address(delivery, notice->address, &address, err) < 0)
        return -1;
    int n = mark(delivery, id, smtp_address_str(&address), &decision, err);
    return release(delivery, id, n, err);
}

/* --- what has been held long enough --- */

/* The files are the truth: the index may say of one what is no longer so. */
static bool is_due(const struct spool_file *file, const struct held *held, enum held_class class,
                   int64_t before_us)
{
    return quarantine_held_count(&file->envelope) && held->class == class &&
           held->since_us < before_us;
}

enum expired {
    EXPIRE_REMOVED,
    EXPIRE_NOT_DUE, /* the index says so now, too */
    EXPIRE_STUCK    /* its row stays as it is */
};

/* Not fsync'd: what a power cut brings back is still too old. */
static enum expired expire_file(struct delivery *delivery, struct spool_file *file, const char *why,
                                struct err *err)
{
    char id[SPOOL_ID_LEN + 1];
    const struct quarantine_decision decision = {.recipient = NOTICE_EVERYONE,
                                                 .to = RCPT_DELETED,
                                                 .why = str_of(why),
                                                 .time_us = delivery_now_us(),
                                                 .unsynced = true};
    str_copy(file->envelope.id, id, sizeof id);
    if (forget_job(delivery, id, err) < 0 || quarantine_decide(file, &decision, err) < 0)
        return EXPIRE_STUCK;
    log_info("%s %s", id, why);
    vault_drop(delivery, id);
    return EXPIRE_REMOVED;
}

static enum expired expire_opened(struct delivery *delivery, struct spool_file *file,
                                  struct pool *pool, enum held_class class, unsigned keep,
                                  struct err *err)
{
    char why[128];
    struct held held;
    int64_t before = delivery_now_us() - (int64_t)keep * 1000000;
    if (held_read(file, pool, &held, err) < 0)
        return EXPIRE_STUCK;
    if (is_due(file, &held, class, before)) {
        snprintf(why, sizeof why, "expired: held as %s for longer than %u %s",
                 held_class_name(class), keep >= 86400 ? keep / 86400 : keep,
                 keep >= 86400 ? "days" : "seconds");
        return expire_file(delivery, file, why, err);
    }
    char id[SPOOL_ID_LEN + 1];
    str_copy(held.id, id, sizeof id);
    err_set(err, "%s is not to expire, but the index that says so can't be put right", id);
    int put = quarantine_held_count(&file->envelope) ? vault_put(delivery, file)
                                                     : vault_drop(delivery, id);
    return put == 0 ? EXPIRE_NOT_DUE : EXPIRE_STUCK;
}

static enum expired expire_one(struct delivery *delivery, const char *id, enum held_class class,
                               unsigned keep)
{
    struct spool_file *file;
    struct err err = {"out of memory"};
    bool corrupt;
    enum expired result = EXPIRE_STUCK;
    struct pool *pool = pool_new(DELIVERY_LOAD_MAX);
    if (pool &&
        spool_peek(delivery->spool, SPOOL_QUARANTINE, id, pool, &file, &corrupt, &err) == 0) {
        result = expire_opened(delivery, file, pool, class, keep, &err);
        spool_unload(&file);
    } else if (pool && errno == ENOENT && vault_drop(delivery, id) == 0)
        result = EXPIRE_NOT_DUE;
    pool_free(&pool);
    if (result == EXPIRE_STUCK)
        log_warning("%s; it is to expire and is tried again later", err.text);
    if (result == EXPIRE_REMOVED)
        job_adopt_held(delivery, id);
    return result;
}

/* 1: the class has more to look at; 0: it is done with; -1: likewise, but sooner than in a day
 * another look is needed. Rows that stay as they are are passed over for the rest of this pass. */
static int expire_class(struct delivery *delivery, enum held_class class, unsigned keep)
{
    char ids[EXPIRE_ROUND][SPOOL_ID_LEN + 1];
    unsigned count[EXPIRE_STUCK + 1] = {0};
    struct err err;
    if (keep == 0)
        return 0;
    if (delivery->vault == NULL) {
        log_warning("there is no index of the quarantine: what is held as %s expires later",
                    held_class_name(class));
        return -1;
    }
    int64_t before = delivery_now_us() - (int64_t)keep * 1000000;
    int n = held_index_before(delivery->vault, class, before, delivery->expire_stuck[class], ids,
                              EXPIRE_ROUND, &err);
    if (n < 0)
        log_warning("%s", err.text);
    for (int i = 0; i < n; i++)
        count[expire_one(delivery, ids[i], class, keep)]++;
    delivery->expire_stuck[class] += count[EXPIRE_STUCK];
    /* where nothing came of it the same rows may come back without end */
    if (count[EXPIRE_REMOVED] || count[EXPIRE_STUCK])
        return 1;
    return n == 0 && delivery->expire_stuck[class] == 0 ? 0 : -1;
}

/* By hand it is whoever asks who has looked at the clock. */
static bool may_expire(struct delivery *delivery)
{
    struct err err = {""};
    char folder[PATH_MAX];
    bool by_hand = delivery->expire_asked;
    delivery->expire_asked = false;
    if (delivery->expire_begun)
        return true;
    if (fsio_join(folder, sizeof folder, delivery->conf->state_dir, "quarantine", &err) < 0)
        return by_hand;
    bool trusted = witness_trusts(folder, delivery_now_us() / 1000000,
                                  by_hand || delivery->expire_waited, &err);
    if (err.text[0])
        log_error("%s", err.text);
    delivery->expire_waited = !trusted;
    return trusted;
}

static void on_expire(evutil_socket_t fd, short what, void *data)
{
    struct delivery *delivery = data;
    struct timeval wait = {.tv_sec = EXPIRE_AGAIN};
    bool allowed = !delivery->draining && may_expire(delivery);
    delivery->expire_begun = false;
    for (int i = 0; allowed && !delivery->expire_begun && i < HELD_CLASSES; i++) {
        enum held_class class = (enum held_class)i;
        int n = expire_class(delivery, class, held_keep(delivery->conf, class));
        if (n < 0)
            wait.tv_sec = EXPIRE_FAILED;
        delivery->expire_begun = n > 0; /* there may be more; other work goes on between */
    }
    if (delivery->expire_begun)
        wait.tv_sec = 0;
    else
        memset(delivery->expire_stuck, 0, sizeof delivery->expire_stuck);
    vault_commit(delivery);
    loop_wait(delivery->expire, &wait);
}

void expire_now(struct delivery *delivery)
{
    const struct timeval at_once = {0};
    delivery->expire_asked = true;
    loop_wait(delivery->expire, &at_once);
}

int expire_start(struct delivery *delivery, struct err *err)
{
    const struct timeval first = {.tv_sec = EXPIRE_FIRST};
    delivery->expire = evtimer_new(delivery->base, on_expire, delivery);
    if (delivery->expire == NULL || event_add(delivery->expire, &first) < 0)
        return err_set(err, "out of memory for a timer");
    return 0;
}
