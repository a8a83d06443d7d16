#include "journal/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "journal/db.h"
#include "journal/store_open.h"

#define BUSY_MS 5000 /* a reader that checkpoints may be in the way */

/* synchronous = FULL: what is acknowledged was fsync'd, because delivery unlinks upon it. */
static const char settings_sql[] = "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -65536;"
                                   "PRAGMA wal_autocheckpoint = 4000;"
                                   "PRAGMA journal_size_limit = 67108864;"
                                   "CREATE TEMP TABLE doomed (id TEXT PRIMARY KEY);";

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE message ("
    "  no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time_us INTEGER NOT NULL,"
    "  client_ip TEXT NOT NULL, client_name TEXT NOT NULL, helo TEXT NOT NULL,"
    "  sender TEXT NOT NULL COLLATE NOCASE, subject TEXT NOT NULL, message_id TEXT NOT NULL,"
    "  size INTEGER NOT NULL, verdict TEXT NOT NULL, global REAL, heuristics REAL, bayes REAL,"
    "  held TEXT NOT NULL, evidence TEXT NOT NULL);"
    "CREATE INDEX message_sender ON message (sender, id);"
    "CREATE INDEX message_client ON message (client_ip, id);"
    /* what is so now */
    "CREATE TABLE recipient ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, address TEXT NOT NULL COLLATE NOCASE,"
    "  how TEXT NOT NULL, state INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    "  PRIMARY KEY (id, idx)) WITHOUT ROWID;"
    "CREATE INDEX recipient_address ON recipient (address);"
    "CREATE INDEX recipient_open ON recipient (state) WHERE state IN (0, 1, 3, 4);"
    /* all that was */
    "CREATE TABLE outcome ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, time_us INTEGER NOT NULL, state INTEGER NOT NULL,"
    "  relay TEXT NOT NULL, detail TEXT NOT NULL,"
    "  PRIMARY KEY (id, idx, time_us, state)) WITHOUT ROWID;"
    "CREATE TABLE refusal ("
    "  no INTEGER PRIMARY KEY, time_us INTEGER NOT NULL, id TEXT NOT NULL,"
    "  session TEXT NOT NULL, client_ip TEXT NOT NULL, client_name TEXT NOT NULL,"
    "  helo TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,"
    "  recipient TEXT NOT NULL COLLATE NOCASE, stage TEXT NOT NULL, code INTEGER NOT NULL,"
    "  enhanced TEXT NOT NULL, text TEXT NOT NULL, evidence TEXT NOT NULL);"
    "CREATE UNIQUE INDEX refusal_time ON refusal (time_us, session, stage, recipient);"
    "CREATE INDEX refusal_sender ON refusal (sender, time_us) WHERE sender <> '';"
    "CREATE INDEX refusal_recipient ON refusal (recipient, time_us) WHERE recipient <> '';"
    "CREATE INDEX refusal_client ON refusal (client_ip, time_us);"
    "CREATE INDEX refusal_id ON refusal (id) WHERE id <> '';"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* The states that stand in the SQL below and above, by their numbers */
_Static_assert(RCPT_OWED == 0 && RCPT_DEFERRED == 1 && RCPT_DELIVERED == 2 && RCPT_HELD == 3 &&
                   RCPT_RELEASED == 4 && RCPT_DELETED == 5 && RCPT_FAILED == 6,
               "open are 0, 1, 3, 4; final are 2, 5, 6");

static const char *const statements_sql[STORE_STATEMENTS] = {
    [STORE_BEGIN] = "BEGIN IMMEDIATE",
    [STORE_COMMIT] = "COMMIT",
    [STORE_MESSAGE] = "INSERT INTO message VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                      " ?11, ?12, ?13, ?14, ?15) ON CONFLICT DO NOTHING",
    /* What is final gives way only to what is final, what is later only to what is later still. */
    [STORE_RECIPIENT] =
        "INSERT INTO recipient VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        " ON CONFLICT (id, idx) DO UPDATE SET state = excluded.state, time_us = excluded.time_us"
        " WHERE (excluded.state IN (2, 5, 6), excluded.time_us, excluded.state)"
        " > (state IN (2, 5, 6), time_us, state)",
    [STORE_OUTCOME] = "INSERT INTO outcome VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    [STORE_REFUSED] = "INSERT INTO refusal VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                      " ?11, ?12, ?13) ON CONFLICT DO NOTHING",
    /* Settled messages made before ?1, with no news since ?2, the oldest ?3 of them; those without
     * a row of their own (their first event was lost) too. */
    [STORE_DOOM] =
        "INSERT OR IGNORE INTO doomed SELECT id FROM message WHERE id < ?1 AND NOT EXISTS"
        " (SELECT 1 FROM recipient r WHERE r.id = message.id"
        "  AND (r.state NOT IN (2, 5, 6) OR r.time_us >= ?2)) ORDER BY id LIMIT ?3",
    [STORE_DOOM_ORPHANS] =
        "INSERT OR IGNORE INTO doomed SELECT DISTINCT id FROM recipient a WHERE id < ?1"
        " AND NOT EXISTS (SELECT 1 FROM message WHERE message.id = a.id) AND NOT EXISTS"
        " (SELECT 1 FROM recipient r WHERE r.id = a.id"
        "  AND (r.state NOT IN (2, 5, 6) OR r.time_us >= ?2)) ORDER BY id LIMIT ?3",
    [STORE_DROP_OUTCOMES] = "DELETE FROM outcome WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_RECIPIENTS] = "DELETE FROM recipient WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_MESSAGES] = "DELETE FROM message WHERE id IN (SELECT id FROM doomed)",
    [STORE_DROP_DOOMED] = "DELETE FROM doomed",
    [STORE_DROP_REFUSALS] =
        "DELETE FROM refusal WHERE no IN"
        " (SELECT no FROM refusal WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
};

/* --- opening --- */

static int prepare_all(struct journal_store *store, struct err *err)
{
    for (size_t i = 0; i < STORE_STATEMENTS; i++) {
        store->sql[i] = db_prepare(store->db, statements_sql[i], err);
        if (store->sql[i] == NULL)
            return -1;
    }
    return 0;
}

static int make_schema(struct journal_store *store, struct err *err)
{
    int64_t version;
    if (db_number(store->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version > JOURNAL_SCHEMA_VERSION)
        return err_set(
            err,
            "%s was written by a newer poterne (schema %lld, this one knows %d): install "
            "that one again, or move the file away",
            store->path, (long long)version, JOURNAL_SCHEMA_VERSION);
    return version == 0 ? db_exec(store->db, schema_sql, err) : 0;
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
    if (db_exec(store->db, settings_sql, err) < 0 || make_schema(store, err) < 0)
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
    if (!db_path(folder, store->path, sizeof store->path))
        err_set(err, "%s: path too long", folder);
    else if (open_or_replace(store, err) == 0)
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
    return store_run(store, STORE_MESSAGE, err);
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
    return store_run(store, STORE_REFUSED, err);
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
    }
    return err_set(err, "journal: event of unknown kind %d", (int)event->kind);
}
