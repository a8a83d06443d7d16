#include "journal/walk.h"

#include <limits.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "journal/db.h"

#define BEHIND_IDS "~" /* behind every character of an id */

enum cursor_name { CURSOR_ACCEPTED, CURSOR_MESSAGE, CURSOR_RECIPIENT, CURSOR_OUTCOME, CURSORS };

/* Stands on a row, or behind the last. */
struct cursor {
    sqlite3_stmt *stmt; /* NULL: there is no such table, or it is not wanted */
    bool on_row;
};

struct walk {
    sqlite3 *db;
    struct cursor cursors[CURSORS];
    int64_t version; /* of the schema */
    sqlite3_stmt *knows;
    sqlite3_stmt *closed; /* NULL: it is older */
    struct str before;
    unsigned in_snapshot; /* messages of it */
    bool reading;         /* in a transaction */
    struct buf last;      /* the id of the last one, and a byte behind it */
};

static const char *const cursor_sql[CURSORS] = {
    [CURSOR_ACCEPTED] = "SELECT id, time_us, sender, n, recipients, held FROM accepted"
                        " WHERE id >= ?1 AND id < ?2 ORDER BY id",
    [CURSOR_MESSAGE] = "SELECT id FROM message WHERE id >= ?1 AND id < ?2 ORDER BY id",
    [CURSOR_RECIPIENT] = "SELECT id, idx, address, state, time_us FROM recipient"
                         " WHERE id >= ?1 AND id < ?2 ORDER BY id, idx",
    [CURSOR_OUTCOME] = "SELECT id, idx, time_us, state, relay, substr(detail, 1, ?3) FROM outcome"
                       " WHERE id >= ?1 AND id < ?2 AND state <> ?4"
                       " ORDER BY id, idx, time_us, state",
};

#define KNOWS_SQL                                                                                  \
    "SELECT EXISTS (SELECT 1 FROM message WHERE id = ?1)"                                          \
    " OR EXISTS (SELECT 1 FROM recipient WHERE id = ?1)"
#define CLOSED_SQL "SELECT why FROM closed WHERE id = ?1 AND finding = ?2"

/* --- opening --- */

static int prepare_all(struct walk *walk, bool outcomes, struct err *err)
{
    for (int i = 0; i < CURSORS; i++) {
        if ((i == CURSOR_ACCEPTED && walk->version < 5) || (i == CURSOR_OUTCOME && !outcomes))
            continue;
        walk->cursors[i].stmt = db_prepare(walk->db, cursor_sql[i], err);
        if (walk->cursors[i].stmt == NULL)
            return -1;
    }
    walk->knows = db_prepare(walk->db, KNOWS_SQL, err);
    if (walk->knows == NULL || walk->version < 6)
        return walk->knows ? 0 : -1;
    walk->closed = db_prepare(walk->db, CLOSED_SQL, err);
    return walk->closed ? 0 : -1;
}

static int open_db(struct walk *walk, const char *path, bool outcomes, struct err *err)
{
    walk->db = db_open_read(path, err);
    if (walk->db == NULL || db_schema_version(walk->db, &walk->version, err) < 0)
        return -1;
    return prepare_all(walk, outcomes, err);
}

struct walk *walk_open(const char *state_dir, bool outcomes, struct err *err)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct walk *walk = calloc(1, sizeof *walk);
    if (walk == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    buf_init(&walk->last, WALK_ID_MAX + 2);
    if (fsio_join(folder, sizeof folder, state_dir, "journal", err) == 0 &&
        fsio_join(path, sizeof path, folder, JOURNAL_FILE, err) == 0 &&
        open_db(walk, path, outcomes, err) == 0)
        return walk;
    walk_close(&walk);
    return NULL;
}

void walk_end(struct walk *walk)
{
    for (int i = 0; i < CURSORS; i++) {
        walk->cursors[i].on_row = false;
        if (walk->cursors[i].stmt)
            sqlite3_reset(walk->cursors[i].stmt);
    }
    if (walk->reading)
        sqlite3_exec(walk->db, "COMMIT", NULL, NULL, NULL);
    walk->reading = false;
}

void walk_close(struct walk **walk)
{
    struct walk *gone = *walk;
    if (gone == NULL)
        return;
    walk_end(gone);
    for (int i = 0; i < CURSORS; i++)
        sqlite3_finalize(gone->cursors[i].stmt);
    sqlite3_finalize(gone->knows);
    sqlite3_finalize(gone->closed);
    sqlite3_close(gone->db);
    buf_release(&gone->last);
    free(gone);
    *walk = NULL;
}

/* --- cursors --- */

static int step(struct walk *walk, struct cursor *cursor, struct err *err)
{
    int code = sqlite3_step(cursor->stmt);
    cursor->on_row = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE
               ? 0
               : db_fail(walk->db, "reading the journal", err);
}

static struct str id_of(const struct cursor *cursor)
{
    const char *text = (const char *)sqlite3_column_text(cursor->stmt, 0);
    int n = sqlite3_column_bytes(cursor->stmt, 0);
    return text && n > 0 ? str_n(text, (size_t)n) : STR_EMPTY;
}

static bool is_at(const struct cursor *cursor, struct str id)
{
    return cursor->on_row && str_eq(id_of(cursor), id);
}

/* All of them onto their first row from there, in one snapshot. */
static int begin_snapshot(struct walk *walk, struct str from, struct err *err)
{
    walk_end(walk);
    if (db_exec(walk->db, "BEGIN", err) < 0)
        return -1;
    walk->reading = true;
    walk->in_snapshot = 0;
    for (int i = 0; i < CURSORS; i++) {
        struct cursor *cursor = &walk->cursors[i];
        if (cursor->stmt == NULL)
            continue;
        db_bind(cursor->stmt, 1, from);
        db_bind(cursor->stmt, 2, walk->before);
        if (i == CURSOR_OUTCOME) {
            sqlite3_bind_int(cursor->stmt, 3, WALK_DETAIL_MAX);
            sqlite3_bind_int(cursor->stmt, 4, RCPT_DEFERRED);
        }
        if (step(walk, cursor, err) < 0)
            return -1;
    }
    return 0;
}

int walk_begin(struct walk *walk, struct str from, struct str before, struct err *err)
{
    walk->before = before;
    return begin_snapshot(walk, from, err);
}

/* --- one message --- */

static int pool_full(struct str id, struct err *err)
{
    return err_set(err, "%.*s is too large in the journal to be looked at", STR_ARG(id));
}

static int read_accepted(struct walk *walk, struct pool *pool, struct walk_message *m,
                         struct err *err)
{
    struct cursor *cursor = &walk->cursors[CURSOR_ACCEPTED];
    if (!is_at(cursor, m->id))
        return 0;
    m->accepted = true;
    m->accepted_us = sqlite3_column_int64(cursor->stmt, 1);
    m->sender = db_text(cursor->stmt, 2, pool);
    m->n_accepted = (uint32_t)sqlite3_column_int64(cursor->stmt, 3);
    m->addresses = db_text(cursor->stmt, 4, pool);
    m->accepted_held = sqlite3_column_int(cursor->stmt, 5);
    return step(walk, cursor, err);
}

static int read_told(struct walk *walk, struct walk_message *m, struct err *err)
{
    struct cursor *cursor = &walk->cursors[CURSOR_MESSAGE];
    if (!is_at(cursor, m->id))
        return 0;
    m->told = true;
    return step(walk, cursor, err);
}

/* A number out of a table that anybody may have written to. */
static enum recipient_state state_at(const struct cursor *cursor, int column)
{
    int state = sqlite3_column_int(cursor->stmt, column);
    return state >= 0 && state < RECIPIENT_STATES ? (enum recipient_state)state : RCPT_OWED;
}

static int read_recipients(struct walk *walk, struct pool *pool, struct walk_message *m,
                           struct err *err)
{
    struct cursor *cursor = &walk->cursors[CURSOR_RECIPIENT];
    size_t cap = 0;
    while (is_at(cursor, m->id)) {
        struct walk_recipient *list =
            pool_grow(pool, m->recipients, m->n_recipients, &cap, sizeof *list);
        if (list == NULL)
            return pool_full(m->id, err);
        m->recipients = list;
        list[m->n_recipients++] =
            (struct walk_recipient){.index = (uint32_t)sqlite3_column_int64(cursor->stmt, 1),
                                    .address = db_text(cursor->stmt, 2, pool),
                                    .state = state_at(cursor, 3),
                                    .time_us = sqlite3_column_int64(cursor->stmt, 4)};
        if (step(walk, cursor, err) < 0)
            return -1;
    }
    return 0;
}

static int read_outcomes(struct walk *walk, struct pool *pool, struct walk_message *m,
                         struct err *err)
{
    struct cursor *cursor = &walk->cursors[CURSOR_OUTCOME];
    size_t cap = 0;
    while (is_at(cursor, m->id)) {
        struct walk_outcome *list = pool_grow(pool, m->outcomes, m->n_outcomes, &cap, sizeof *list);
        if (list == NULL)
            return pool_full(m->id, err);
        m->outcomes = list;
        list[m->n_outcomes++] =
            (struct walk_outcome){.index = (uint32_t)sqlite3_column_int64(cursor->stmt, 1),
                                  .time_us = sqlite3_column_int64(cursor->stmt, 2),
                                  .state = state_at(cursor, 3),
                                  .relay = db_text(cursor->stmt, 4, pool),
                                  .detail = db_text(cursor->stmt, 5, pool)};
        if (step(walk, cursor, err) < 0)
            return -1;
    }
    return 0;
}

/* The smallest id that a cursor stands on; in pool. */
static bool first_id(const struct walk *walk, struct pool *pool, struct str *id)
{
    struct str least = STR_EMPTY;
    bool any = false;
    for (int i = 0; i < CURSORS; i++) {
        const struct cursor *cursor = &walk->cursors[i];
        if (!cursor->on_row || (any && str_cmp(id_of(cursor), least) >= 0))
            continue;
        least = id_of(cursor);
        any = true;
    }
    *id = any ? pool_str(pool, least) : STR_EMPTY;
    return any;
}

/* So that the next snapshot goes on behind it. */
static int remember(struct walk *walk, struct str id, struct err *err)
{
    buf_clear(&walk->last);
    buf_add(&walk->last, id);
    buf_addc(&walk->last, '\1');
    return buf_ok(&walk->last) ? 0 : err_set(err, "an id in the journal is too long");
}

int walk_next(struct walk *walk, struct pool *pool, struct walk_message *message, struct err *err)
{
    *message = (struct walk_message){0};
    if (walk->in_snapshot >= WALK_SNAPSHOT && begin_snapshot(walk, buf_str(&walk->last), err) < 0)
        return -1;
    if (!first_id(walk, pool, &message->id)) {
        walk_end(walk);
        return 0;
    }
    if (message->id.s == NULL)
        return err_set(err, "out of memory");
    walk->in_snapshot++;
    if (remember(walk, message->id, err) < 0 || read_accepted(walk, pool, message, err) < 0 ||
        read_told(walk, message, err) < 0 || read_recipients(walk, pool, message, err) < 0 ||
        read_outcomes(walk, pool, message, err) < 0)
        return -1;
    return 1;
}

/* --- single questions --- */

/* The one row of a statement that is bound: 1, 0 there is none, -1. */
static int ask(struct walk *walk, sqlite3_stmt *stmt, struct err *err)
{
    int code = sqlite3_step(stmt);
    return code == SQLITE_ROW    ? 1
           : code == SQLITE_DONE ? 0
                                 : db_fail(walk->db, "reading the journal", err);
}

int walk_count(struct walk *walk, struct str from, struct str before, uint64_t *n, struct err *err)
{
    sqlite3_stmt *stmt =
        db_prepare(walk->db, "SELECT count(*) FROM message WHERE id >= ?1 AND id < ?2", err);
    if (stmt == NULL)
        return -1;
    db_bind(stmt, 1, from);
    db_bind(stmt, 2, before);
    int got = ask(walk, stmt, err);
    *n = got == 1 ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return got < 0 ? -1 : 0;
}

int walk_knows(struct walk *walk, struct str id, struct err *err)
{
    db_bind(walk->knows, 1, id);
    int got = ask(walk, walk->knows, err);
    int known = got == 1 ? sqlite3_column_int(walk->knows, 0) : got;
    sqlite3_reset(walk->knows);
    return known;
}

int walk_swept(struct walk *walk, struct pool *pool, struct str *id, struct err *err)
{
    *id = STR(BEHIND_IDS);
    if (walk->version < 6)
        return 0;
    sqlite3_stmt *stmt = db_prepare(walk->db, "SELECT id FROM swept", err);
    if (stmt == NULL)
        return -1;
    int got = ask(walk, stmt, err);
    if (got == 1)
        *id = db_text(stmt, 0, pool);
    sqlite3_finalize(stmt);
    return got < 0 ? -1 : 0;
}

int walk_closed(struct walk *walk, struct str id, struct str finding, struct pool *pool,
                struct str *why, struct err *err)
{
    *why = STR_EMPTY;
    if (walk->closed == NULL)
        return 0;
    db_bind(walk->closed, 1, id);
    db_bind(walk->closed, 2, finding);
    int got = ask(walk, walk->closed, err);
    if (got == 1)
        *why = db_text(walk->closed, 0, pool);
    sqlite3_reset(walk->closed);
    return got;
}
