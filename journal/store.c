#include "journal/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/fsio.h"
#include "base/log.h"
#include "journal/db.h"
#include "journal/schema.h"
#include "journal/store_open.h"
#include "journal/tally.h"

#define BUSY_MS 5000 /* a reader that checkpoints may be in the way */

/* --- opening --- */

static int prepare_all(struct journal_store *store, struct err *err)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        store->sql[i] = db_prepare(store->db, schema_statements[i], err);
        if (store->sql[i] == NULL)
            return -1;
    }
    return 0;
}

static int try_open(struct journal_store *store, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
        if (store->db == NULL)
            return err_set(err, "journal: out of memory");
        return db_fail(store->db, store->path, err);
    }
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    if (db_exec(store->db, schema_settings, err) < 0 ||
        schema_make(store->db, store->path, err) < 0)
        return -1;
    return prepare_all(store, err);
}

static void close_db(struct journal_store *store)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        sqlite3_finalize(store->sql[i]);
        store->sql[i] = NULL;
    }
    sqlite3_close(store->db);
    store->db = NULL;
    store->writing = false;
}

/* journal.sqlite and what SQLite keeps beside it. */
static int set_aside(const struct journal_store *store, struct err *err)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char from[PATH_MAX], to[PATH_MAX];
    long long now = (long long)time(NULL);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int n = snprintf(from, sizeof from, "%s%s", store->path, parts[i]);
        int m = snprintf(to, sizeof to, "%s.damaged-%lld%s", store->path, now, parts[i]);
        if (n < 0 || m < 0 || (size_t)n >= sizeof from || (size_t)m >= sizeof to)
            return err_set(err, "%s: path too long", store->path);
        if (rename(from, to) < 0 && errno != ENOENT)
            return err_sys(err, "cannot rename %s to %s", from, to);
    }
    log_error("the damaged journal was set aside as %s.damaged-%lld; a new one begins", store->path,
              now);
    return 0;
}

static int open_or_replace(struct journal_store *store, struct err *err)
{
    if (try_open(store, err) == 0)
        return 0;
    bool damaged = store->db && db_damaged(sqlite3_errcode(store->db));
    close_db(store);
    if (!damaged)
        return -1;
    log_error("%s", err->text);
    return set_aside(store, err) == 0 ? try_open(store, err) : -1;
}

struct journal_store *journal_store_open(const char *folder, struct err *err)
{
    struct journal_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        err_set(err, "journal: out of memory");
        return NULL;
    }
    store->tally_day_bytes_max = TALLY_DAY_BYTES_MAX;
    if (fsio_join(store->path, sizeof store->path, folder, JOURNAL_FILE, err) == 0 &&
        open_or_replace(store, err) == 0)
        return store;
    journal_store_close(&store);
    return NULL;
}

void journal_store_close(struct journal_store **store)
{
    if (*store == NULL)
        return;
    close_db(*store);
    free(*store);
    *store = NULL;
}

void journal_store_count(struct journal_store *store, bool dmarc, bool tls)
{
    store->no_dmarc = !dmarc;
    store->no_tls = !tls;
}

/* --- writing --- */

int store_fail(struct journal_store *store, struct err *err)
{
    struct err aside = {""};
    bool damaged = db_damaged(sqlite3_errcode(store->db));
    close_db(store);
    if (damaged && set_aside(store, &aside) < 0)
        log_error("%s", aside.text);
    return -1;
}

int store_run(struct journal_store *store, enum store_statement which, struct err *err)
{
    if (db_run(store->sql[which], err) == 0)
        return 0;
    return store_fail(store, err);
}

int store_begin(struct journal_store *store, struct err *err)
{
    if (store->db == NULL)
        return err_set(err, "journal: closed after a failure");
    if (store->writing)
        return 0;
    if (store_run(store, STORE_BEGIN, err) < 0)
        return -1;
    store->writing = true;
    return 0;
}

int journal_store_commit(struct journal_store *store, struct err *err)
{
    if (store->db == NULL)
        return err_set(err, "journal: closed after a failure");
    if (!store->writing)
        return 0;
    store->writing = false;
    return store_run(store, STORE_COMMIT, err);
}

static int apply_message(struct journal_store *store, const struct event_message *event,
                         struct err *err)
{
    sqlite3_stmt *stmt = store->sql[STORE_MESSAGE];
    db_bind(stmt, 1, event->id);
    sqlite3_bind_int64(stmt, 2, event->time_us);
    db_bind(stmt, 3, event->client_ip);
    db_bind(stmt, 4, event->client_name);
    db_bind(stmt, 5, event->helo);
    db_bind(stmt, 6, event->sender);
    db_bind(stmt, 7, event->subject);
    db_bind(stmt, 8, event->message_id);
    sqlite3_bind_int64(stmt, 9, (int64_t)event->size);
    db_bind(stmt, 10, event->verdict);
    sqlite3_bind_double(stmt, 11, event->global);
    sqlite3_bind_double(stmt, 12, event->heuristics);
    sqlite3_bind_double(stmt, 13, event->bayes);
    db_bind(stmt, 14, event->held);
    db_bind(stmt, 15, event->evidence);
    if (store_run(store, STORE_MESSAGE, err) < 0)
        return -1;
    return sqlite3_changes(store->db) > 0 ? tally_message(store, event, err) : 0;
}

static int apply_recipient(struct journal_store *store, const struct event_recipient *event,
                           struct err *err)
{
    sqlite3_stmt *now = store->sql[STORE_RECIPIENT];
    db_bind(now, 1, event->id);
    sqlite3_bind_int64(now, 2, event->index);
    db_bind(now, 3, event->address);
    db_bind(now, 4, event->how);
    sqlite3_bind_int64(now, 5, event->state);
    sqlite3_bind_int64(now, 6, event->time_us);
    if (store_run(store, STORE_RECIPIENT, err) < 0)
        return -1;
    sqlite3_stmt *past = store->sql[STORE_OUTCOME];
    db_bind(past, 1, event->id);
    sqlite3_bind_int64(past, 2, event->index);
    sqlite3_bind_int64(past, 3, event->time_us);
    sqlite3_bind_int64(past, 4, event->state);
    db_bind(past, 5, event->relay);
    db_bind(past, 6, event->detail);
    return store_run(store, STORE_OUTCOME, err);
}

static int apply_refused(struct journal_store *store, const struct event_refused *event,
                         struct err *err)
{
    sqlite3_stmt *stmt = store->sql[STORE_REFUSED];
    sqlite3_bind_int64(stmt, 1, event->time_us);
    db_bind(stmt, 2, event->id);
    db_bind(stmt, 3, event->session);
    db_bind(stmt, 4, event->client_ip);
    db_bind(stmt, 5, event->client_name);
    db_bind(stmt, 6, event->helo);
    db_bind(stmt, 7, event->sender);
    db_bind(stmt, 8, event->recipient);
    db_bind(stmt, 9, event->stage);
    sqlite3_bind_int64(stmt, 10, event->code);
    db_bind(stmt, 11, event->enhanced);
    db_bind(stmt, 12, event->text);
    db_bind(stmt, 13, event->evidence);
    if (store_run(store, STORE_REFUSED, err) < 0)
        return -1;
    return sqlite3_changes(store->db) > 0 ? tally_refused(store, event, err) : 0;
}

static int apply_accepted(struct journal_store *store, const struct event_accepted *event,
                          struct err *err)
{
    sqlite3_stmt *stmt = store->sql[STORE_ACCEPTED];
    db_bind(stmt, 1, event->id);
    sqlite3_bind_int64(stmt, 2, event->time_us);
    db_bind(stmt, 3, event->sender);
    sqlite3_bind_int64(stmt, 4, event->n);
    db_bind(stmt, 5, event->recipients);
    sqlite3_bind_int64(stmt, 6, (int64_t)event->size);
    sqlite3_bind_int(stmt, 7, event->held);
    return store_run(store, STORE_ACCEPTED, err);
}

/* It is the last one, whatever an earlier one's clock showed. */
static int apply_audit(struct journal_store *store, const struct event_audit *event,
                       struct err *err)
{
    sqlite3_bind_int64(store->sql[STORE_DROP_LATER_AUDITS], 1, event->time_us);
    if (store_run(store, STORE_DROP_LATER_AUDITS, err) < 0)
        return -1;
    sqlite3_stmt *stmt = store->sql[STORE_AUDIT];
    sqlite3_bind_int64(stmt, 1, event->time_us);
    sqlite3_bind_int64(stmt, 2, (int64_t)event->duration_ms);
    sqlite3_bind_int64(stmt, 3, (int64_t)event->messages);
    sqlite3_bind_int64(stmt, 4, (int64_t)event->recipients);
    sqlite3_bind_int64(stmt, 5, (int64_t)event->findings);
    db_bind(stmt, 6, event->failure);
    db_bind(stmt, 7, event->summary);
    return store_run(store, STORE_AUDIT, err);
}

static int apply_closed(struct journal_store *store, const struct event_closed *event,
                        struct err *err)
{
    enum store_statement which = event->reopened ? STORE_REOPENED : STORE_CLOSED;
    sqlite3_stmt *stmt = store->sql[which];
    db_bind(stmt, 1, event->id);
    db_bind(stmt, 2, event->finding);
    if (!event->reopened) {
        sqlite3_bind_int64(stmt, 3, event->time_us);
        db_bind(stmt, 4, event->why);
    }
    return store_run(store, which, err);
}

int journal_store_apply(struct journal_store *store, const struct event *event, struct err *err)
{
    if (store_begin(store, err) < 0)
        return -1;
    switch (event->kind) {
    case EVENT_MESSAGE:
        return apply_message(store, &event->message, err);
    case EVENT_RECIPIENT:
        return apply_recipient(store, &event->recipient, err);
    case EVENT_REFUSED:
        return apply_refused(store, &event->refused, err);
    case EVENT_TLS:
        return tally_tls(store, &event->tls, err);
    case EVENT_FEEDBACK:
        return feedback_apply(store, &event->feedback, err);
    case EVENT_TLS_FEEDBACK:
        return feedback_apply_tls(store, &event->tls_feedback, err);
    case EVENT_ACCEPTED:
        return apply_accepted(store, &event->accepted, err);
    case EVENT_AUDIT:
        return apply_audit(store, &event->audit, err);
    case EVENT_CLOSED:
        return apply_closed(store, &event->closed, err);
    }
    return err_set(err, "journal: event of unknown kind %d", (int)event->kind);
}
