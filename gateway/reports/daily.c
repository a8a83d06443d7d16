#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "bayes/publish/generations.h"
#include "directory/report.h"
#include "gateway/reports/backup_failed.h"
#include "gateway/reports/desk.h"
#include "gateway/reports/frozen.h"
#include "gateway/reports/mailboxes.h"
#include "gateway/reports/sources.h"
#include "gateway/reports/viruses.h"
#include "reports/digest.h"
#include "reports/teach.h"

#define TEACH_PAUSE_MS   60000 /* between two looks whether something is due */
#define TEACH_TIMEOUT    300   /* seconds for a group */
#define TEACH_MEMORY_MAX ((size_t)1536 * 1024 * 1024)
#define SWEEP_PAUSE_MS   3600000                  /* between two looks for what has expired */
#define SWEEP_SOON_MS    1000                     /* there was more */
#define DIGEST_PAUSE_US  (600 * (int64_t)1000000) /* one that failed is tried again after this */
#define DAY_US           (86400 * (int64_t)1000000)
#define GUARD_LINES_MAX  10
#define NEWS_POOL_MAX    (128 * 1024)
#define RECIPIENTS_MAX   1000

int64_t desk_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- learning what was accepted --- */

static int teach(void *data, int fd, struct buf *result, struct err *err)
{
    const struct desk *desk = data;
    if (desk_find_learner(desk, err) < 0)
        return -1;
    struct proposals *store = proposals_reopen(desk->folder, err);
    int n = store ? proposals_teach(store, desk->conf, desk_now_us(), err) : -1;
    proposals_close(&store);
    if (n >= 0)
        buf_addc(result, n == TEACH_BATCH_MAX);
    return n < 0 ? -1 : 0;
}

static bool is_due(struct desk *desk)
{
    uint64_t number;
    struct err err;
    int n = proposals_due(desk->store, desk_now_us(), &number, 1, &err);
    if (n < 0)
        log_error("%s", err.text);
    return n > 0;
}

/*
 * In a process of its own, since mail is read and the learner may let it wait. It opens the store
 * itself, and SQLite's connections do not live over a fork: ours is closed for that moment.
 */
static void teach_begin(struct desk *desk)
{
    struct sandbox box = {.required = desk->conf->sandbox_required,
                          .allow = SANDBOX_FILES | SANDBOX_UNIX_CONNECT,
                          .memory_limit = TEACH_MEMORY_MAX};
    const struct reader_work work = {.run = teach,
                                     .data = desk,
                                     .fd = -1,
                                     .sandbox = &box,
                                     .timeout = TEACH_TIMEOUT,
                                     .result_max = 1};
    struct err err = {""};
    sandbox_path(&box, desk->folder, SANDBOX_WRITE);
    sandbox_path_in(&box, desk->conf->state_dir, "bayes", SANDBOX_READ);
    proposals_close(&desk->store);
    desk->teaching = reader_start(&desk->teacher, &work, &err) == 0;
    if (!desk->teaching)
        log_error("what was accepted is not learned yet: %s", err.text);
    desk->store = proposals_reopen(desk->folder, &err);
    if (desk->store == NULL)
        log_error("%s", err.text);
}

static void teach_end(struct desk *desk)
{
    struct buf result = BUF_INIT(1 + ERR_TEXT_MAX);
    struct err err = {""};
    enum reader_end end = reader_finish(&desk->teacher, &result, &err);
    desk->teaching = false;
    if (end != READER_DONE)
        log_error("what was accepted is not learned yet: %s", err.text);
    if (end == READER_DONE && result.n == 1 && result.p[0])
        daily_teach_soon(desk);
    buf_release(&result);
    if (end != READER_DIED)
        return;
    /* it may have been amid a change: what the files say holds */
    proposals_close(&desk->store);
    desk->store = proposals_open(desk->folder, &err);
    if (desk->store == NULL)
        log_error("%s", err.text);
}

/* Has it ended? One that is over its time is ended. */
static void teach_watch(struct desk *desk)
{
    struct pollfd p = {.fd = desk->teacher.end_fd, .events = POLLIN};
    if (clock_ms() > desk->teacher.deadline_ms)
        reader_kill(&desk->teacher);
    if (poll(&p, 1, 0) > 0)
        teach_end(desk);
}

void daily_teach_soon(struct desk *desk)
{
    desk->teach_at_ms = clock_ms();
}

/* --- what ends --- */

static void sweep(struct desk *desk)
{
    const struct proposal_lifetimes lifetimes = {
        .waiting_us = (int64_t)desk->conf->reports.lifetime * 1000000,
        .decided_us = (int64_t)desk->conf->reports.keep * 1000000};
    struct err err;
    int64_t now_us = desk_now_us();
    int n = proposals_sweep(desk->store, &lifetimes, now_us, &err);
    if (n < 0 || digest_sweep(desk->store, now_us, &err) < 0)
        log_error("%s", err.text);
    if (n > 0)
        log_info("%d proposals have come to an end", n);
    desk->sweep_at_ms = clock_ms() + (n > 0 ? SWEEP_SOON_MS : SWEEP_PAUSE_MS);
}

/* --- the digest --- */

/* Those that delivery has a way to. */
static size_t managers_within_reach(const struct desk *desk, struct str *list, struct buf *to)
{
    const struct conf_list *managers = &desk->conf->managers;
    size_t n = 0;
    for (size_t i = 0; i < managers->n && n < RECIPIENTS_MAX; i++) {
        struct str address = str_of(managers->items[i]);
        if (!post_reaches(&desk->post, address)) {
            log_warning("manager <%.*s> is in none of our domains and gets no digest",
                        STR_ARG(address));
            continue;
        }
        buf_addf(to, "%s%.*s", n ? ",\r\n " : "", STR_ARG(address));
        list[n++] = address;
    }
    return n;
}

static int send_digest(const struct desk *desk, struct str subject, struct str text,
                       struct err *err)
{
    struct str *list = calloc(RECIPIENTS_MAX, sizeof *list);
    struct buf to = BUF_INIT(RECIPIENTS_MAX * PROPOSAL_ADDRESS_MAX);
    struct buf mail = BUF_INIT(4 * DIGEST_TEXT_MAX);
    struct outgoing out = {.recipients = list, .how = STR("asked by reports"), .subject = subject};
    int result = list ? 0 : err_set(err, "out of memory");
    if (result == 0)
        out.n_recipients = managers_within_reach(desk, list, &to);
    if (out.n_recipients > 0) {
        const struct letter_words words = {.from = str_of(report_address_own(desk->conf)),
                                           .to = buf_str(&to),
                                           .subject = subject,
                                           .text = text};
        spool_id_make(out.id);
        post_compose(&desk->post, out.id, &words, &mail);
        out.mail = buf_str(&mail);
        result = buf_ok(&mail) ? post_send(&desk->post, &out, err)
                               : err_set(err, "the digest is too large");
    }
    buf_release(&mail);
    buf_release(&to);
    free(list);
    return result;
}

/* What the guard refused or took back since the last digest: a line for each such model. */
static size_t guard_lines(const struct desk *desk, int64_t now_us, struct pool *pool,
                          struct str lines[GUARD_LINES_MAX])
{
    char folder[PATH_MAX];
    struct generation *list = NULL;
    struct err err;
    size_t n = 0, n_lines = 0;
    int64_t since = (desk->digest_made_us ? desk->digest_made_us : now_us - DAY_US) / 1000000;
    if (fsio_join(folder, sizeof folder, desk->conf->state_dir, "bayes", &err) < 0 ||
        generations_read(folder, &list, &n, &err) < 0)
        return 0;
    for (size_t i = 0; i < n && n_lines < GUARD_LINES_MAX; i++) {
        const struct generation *g = &list[i];
        bool told = g->state == GENERATION_REFUSED || g->state == GENERATION_ROLLED_BACK;
        if (!told || (int64_t)g->built < since)
            continue;
        lines[n_lines] = pool_strf(pool, "model %llu %s: %s", (unsigned long long)g->number,
                                   generation_word(g), g->why);
        n_lines += lines[n_lines].s != NULL;
    }
    free(list);
    return n_lines;
}

static void make_digest(struct desk *desk)
{
    struct str lines[GUARD_LINES_MAX], viruses[VIRUS_LINES_MAX], full[MAILBOX_LINES_MAX];
    struct str redirections[MAILBOX_LINES_MAX], sources[SOURCE_LINES_MAX];
    struct str frozen[FROZEN_LINES_MAX], audit[AUDIT_LINES_MAX];
    struct pool *pool = pool_new(NEWS_POOL_MAX);
    struct digest_news news = {.hostname = str_of(desk->conf->hostname),
                               .guard = lines,
                               .viruses = viruses,
                               .mailboxes = full,
                               .redirections = redirections,
                               .sources = sources,
                               .frozen = frozen,
                               .audit = audit};
    struct buf subject = BUF_INIT(PROPOSAL_TEXT_MAX), text = BUF_INIT(DIGEST_TEXT_MAX);
    struct err err = {""};
    int64_t now_us = desk_now_us();
    if (pool) {
        int64_t since_us = desk->digest_made_us ? desk->digest_made_us : now_us - DAY_US;
        news.n_guard = guard_lines(desk, now_us, pool, lines);
        news.n_viruses = virus_lines(desk->conf, since_us, pool, viruses);
        news.n_mailboxes = mailbox_lines(desk->conf, since_us, pool, full);
        news.n_redirections = redirection_lines(desk->conf, since_us, pool, redirections);
        news.n_sources = source_lines(desk->conf, pool, sources);
        news.n_frozen = frozen_lines(desk->conf, pool, frozen);
        news.n_audit = audit_lines(&desk->audit, desk->conf, now_us, pool, audit);
    }
    int made = digest_make(desk->store, &news, now_us, &subject, &text, &err);
    if (made > 0)
        made = send_digest(desk, buf_str(&subject), buf_str(&text), &err);
    if (made < 0)
        log_error("no digest: %s", err.text);
    desk->digest_at_us = made < 0 ? now_us + DIGEST_PAUSE_US
                                  : digest_next_us(now_us, now_us, desk->conf->reports.digest_hour);
    if (made >= 0)
        desk->digest_made_us = now_us;
    buf_release(&subject);
    buf_release(&text);
    pool_free(&pool);
}

/* --- the clock --- */

static bool digest_wanted(const struct desk *desk)
{
    return desk->conf->reports.digest && desk->conf->managers.n > 0 &&
           report_address_own(desk->conf) != NULL;
}

void daily_start(struct desk *desk)
{
    struct err err;
    int64_t last_us = 0, now_us = desk_now_us();
    if (digest_last_us(desk->store, &last_us, &err) < 0)
        log_error("%s", err.text);
    desk->digest_made_us = last_us;
    desk->digest_at_us = digest_next_us(last_us, now_us, desk->conf->reports.digest_hour);
    desk->teach_at_ms = desk->sweep_at_ms = clock_ms();
    audit_daily_start(&desk->audit, desk->conf, now_us);
}

void daily_tick(struct desk *desk)
{
    int64_t now = clock_ms();
    audit_daily_tick(&desk->audit, desk->conf, desk_now_us());
    backup_failed_tick(&desk->post, &desk->backup_at_ms, now);
    if (desk->teaching)
        teach_watch(desk);
    if (desk->store && !desk->teaching && now >= desk->teach_at_ms) {
        desk->teach_at_ms = now + TEACH_PAUSE_MS;
        if (is_due(desk))
            teach_begin(desk);
    }
    if (desk->store && now >= desk->sweep_at_ms)
        sweep(desk);
    if (desk->store && digest_wanted(desk) && desk_now_us() >= desk->digest_at_us)
        make_digest(desk);
}

int daily_fd(const struct desk *desk)
{
    return desk->teaching ? desk->teacher.end_fd : -1;
}

/* Killed anywhere it costs nothing: what was learned is known to the ledger. */
void daily_stop(struct desk *desk)
{
    struct buf result = BUF_INIT(2);
    struct err err;
    audit_daily_stop(&desk->audit);
    if (!desk->teaching)
        return;
    reader_kill(&desk->teacher);
    reader_finish(&desk->teacher, &result, &err);
    desk->teaching = false;
    buf_release(&result);
}
