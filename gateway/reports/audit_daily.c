#include "gateway/reports/audit_daily.h"

#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "audit/summary.h"
#include "base/clock.h"
#include "base/log.h"
#include "journal/query.h"
#include "journal/tell.h"
#include "reports/digest.h"

#define DAY_US      (86400 * (int64_t)1000000)
#define SUMMARY_MAX 4096
#define MEMORY_MAX  ((size_t)2048 * 1024 * 1024)
#define EVENT_BYTES ((size_t)256 * 1024)

/* --- in a process of its own --- */

struct audit_job {
    const struct conf *conf;
    int64_t now_us;
    struct audit_named named;
};

static void on_found(void *data, const struct finding *f)
{
    struct audit_job *job = data;
    audit_named_add(&job->named, f);
}

static int tell(struct journal_client *client, const void *data, struct err *err)
{
    return journal_client_audit(client, data) ? 0 : err_set(err, "the journal takes no audit");
}

/* Before the journal is told, which may be away. */
static void log_named(const json_t *named, uint64_t findings)
{
    const json_t *word;
    size_t i;
    json_array_foreach(named, i, word)
        log_error("audit: %s (poterne audit says what to do)", json_string_value(word));
    if (findings > json_array_size(named))
        log_error("audit: %llu findings in all: poterne audit names them",
                  (unsigned long long)findings);
}

/* The summary with the named findings in it; NULL: no memory. */
static char *summary_of(const json_t *named, const struct audit_result *result)
{
    struct buf text = BUF_INIT(SUMMARY_MAX);
    audit_summary_put(&text, result);
    json_t *object = buf_ok(&text) ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    json_object_set(object, "named", (json_t *)named);
    char *dumped = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    buf_release(&text);
    return dumped;
}

static int audit(struct audit_job *job, struct err *err)
{
    const struct audit_wish wish = {.state_dir = job->conf->state_dir,
                                    .now_us = job->now_us,
                                    .found = on_found,
                                    .data = job};
    struct audit_result result;
    struct err failure = {"it could not be looked everywhere"};
    int64_t begun = clock_ms();
    int status = audit_run(&wish, &result, &failure);
    json_t *named = audit_named_list(&job->named);
    log_named(named, result.sums.findings);
    char *summary = summary_of(named, &result);
    const struct event_audit event = {.time_us = job->now_us,
                                      .duration_ms = (uint64_t)(clock_ms() - begun),
                                      .messages = result.messages,
                                      .recipients = result.sums.recipients,
                                      .findings = result.sums.findings,
                                      .failure = str_of(status < 0 ? failure.text : ""),
                                      .summary = str_of(summary ? summary : "{}")};
    int told = journal_tell(job->conf->run_dir, EVENT_BYTES, tell, &event, err);
    free(summary);
    json_decref(named);
    if (told == 0 && status < 0)
        *err = failure;
    else if (told == 0 && result.sums.findings == 0)
        log_info("audit: everything adds up");
    return told < 0 ? told : status;
}

static int run(void *data, int fd, struct buf *result, struct err *err)
{
    struct audit_job *job = data;
    (void)fd;
    (void)result;
    int status = audit(job, err);
    audit_named_release(&job->named);
    return status;
}

/* --- when --- */

static unsigned hour_of(const struct conf *conf)
{
    return (conf->reports.digest_hour + 23) % 24;
}

/* When the last one was; 0: none is known. */
static int64_t last_us(const struct conf *conf)
{
    struct err err = {""};
    struct event_audit last = {0};
    struct pool *pool = pool_new(EVENT_BYTES);
    struct journal *journal = pool ? journal_open_state(conf->state_dir, &err) : NULL;
    if (journal == NULL || journal_last_audit(journal, pool, &last, &err) < 0)
        log_debug("when the last audit was: %s", err.text);
    int64_t time_us = last.failure.n ? 0 : last.time_us;
    journal_close(&journal);
    pool_free(&pool);
    return time_us;
}

void audit_daily_start(struct audit_daily *daily, const struct conf *conf, int64_t now_us)
{
    *daily = (struct audit_daily){.started_us = now_us};
    if (!conf->journal.audit)
        return;
    int64_t last = last_us(conf);
    bool overdue = last < now_us - DAY_US || last > now_us;
    daily->at_us = overdue ? now_us + AUDIT_FIRST_SECONDS * (int64_t)1000000
                           : digest_next_us(last, now_us, hour_of(conf));
}

static void begin(struct audit_daily *daily, const struct conf *conf, int64_t now_us)
{
    static const char *const folders[] = {"journal", "queue",   "quarantine",
                                          "kept",    "corrupt", "incoming"};
    struct sandbox box = {.required = conf->sandbox_required,
                          .allow = SANDBOX_FILES | SANDBOX_UNIX_CONNECT,
                          .memory_limit = MEMORY_MAX};
    struct audit_job job = {.conf = conf, .now_us = now_us};
    const struct reader_work work = {.run = run,
                                     .data = &job,
                                     .fd = -1,
                                     .sandbox = &box,
                                     .timeout = AUDIT_SECONDS_MAX,
                                     .result_max = 1};
    struct err err = {""};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        sandbox_path_in(&box, conf->state_dir, folders[i], SANDBOX_READ);
    daily->running = reader_start(&daily->reader, &work, &err) == 0;
    daily->at_us = now_us + AUDIT_AGAIN_SECONDS * (int64_t)1000000;
    if (!daily->running)
        log_error("no audit: %s", err.text);
}

static void end(struct audit_daily *daily, const struct conf *conf, int64_t now_us)
{
    struct buf nothing = BUF_INIT(1 + ERR_TEXT_MAX);
    struct err err = {""};
    daily->running = false;
    if (reader_finish(&daily->reader, &nothing, &err) == READER_DONE)
        daily->at_us = digest_next_us(now_us, now_us, hour_of(conf));
    else
        log_error("no audit: %s; it is tried again in an hour", err.text);
    buf_release(&nothing);
}

void audit_daily_tick(struct audit_daily *daily, const struct conf *conf, int64_t now_us)
{
    if (!daily->running) {
        if (daily->at_us > now_us + 2 * DAY_US) /* the clock was set back */
            audit_daily_start(daily, conf, now_us);
        if (daily->at_us && now_us >= daily->at_us)
            begin(daily, conf, now_us);
        return;
    }
    struct pollfd p = {.fd = daily->reader.end_fd, .events = POLLIN};
    if (clock_ms() > daily->reader.deadline_ms)
        reader_kill(&daily->reader);
    if (poll(&p, 1, 0) > 0)
        end(daily, conf, now_us);
}

/* It has changed nothing. */
void audit_daily_stop(struct audit_daily *daily)
{
    struct buf result = BUF_INIT(1 + ERR_TEXT_MAX);
    struct err err;
    if (!daily->running)
        return;
    reader_kill(&daily->reader);
    reader_finish(&daily->reader, &result, &err);
    daily->running = false;
    buf_release(&result);
}

/* --- the digest --- */

static size_t named_lines(const struct event_audit *last, struct pool *pool,
                          struct str lines[AUDIT_LINES_MAX])
{
    json_t *summary = json_loadb(last->summary.s, last->summary.n, 0, NULL);
    const json_t *named = json_object_get(summary, "named"), *word;
    size_t n = 0, i;
    json_array_foreach(named, i, word)
    {
        if (n < AUDIT_NAMED_MAX && json_is_string(word))
            lines[n++] = pool_strf(pool, "%s", json_string_value(word));
    }
    json_decref(summary);
    if (last->findings > n) {
        lines[n] = pool_strf(pool, "%llu in all: poterne audit names them",
                             (unsigned long long)last->findings);
        n++;
    }
    return n;
}

static size_t lines_of(const struct event_audit *last, int64_t now_us, struct pool *pool,
                       struct str lines[AUDIT_LINES_MAX])
{
    /* what is to come still is no audit of now */
    if (last->time_us < now_us - 2 * DAY_US || last->time_us > now_us + DAY_US) {
        lines[0] = STR("there was no audit for two days: the log says why");
        return 1;
    }
    if (last->failure.n) {
        lines[0] = pool_strf(pool, "the audit could not be done: %.*s", STR_ARG(last->failure));
        return 1;
    }
    return named_lines(last, pool, lines);
}

size_t audit_lines(const struct audit_daily *daily, const struct conf *conf, int64_t now_us,
                   struct pool *pool, struct str lines[AUDIT_LINES_MAX])
{
    struct err err = {""};
    struct event_audit last;
    if (!conf->journal.audit)
        return 0;
    struct journal *journal = journal_open_state(conf->state_dir, &err);
    int known = journal ? journal_last_audit(journal, pool, &last, &err) : -1;
    journal_close(&journal);
    if (known < 0)
        log_warning("%s; the digest can't say how the last audit ended", err.text);
    if (known > 0)
        return lines_of(&last, now_us, pool, lines);
    if (now_us < daily->started_us + DAY_US)
        return 0;
    lines[0] = known < 0 ? pool_strf(pool, "how the audit ended can't be read: %s", err.text)
                         : STR("there was no audit yet: the log says why");
    return 1;
}
