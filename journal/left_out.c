#include "journal/left_out.h"

#include <limits.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "journal/db.h"
#include "journal/schema.h"
#include "journal/time_id.h"

#define BUSY_MS 5000

static const char asked_sql[] = "PRAGMA temp_store = MEMORY;"
                                "CREATE TEMP TABLE asked (id TEXT PRIMARY KEY) WITHOUT ROWID;";
#define ASK_SQL "INSERT OR IGNORE INTO asked VALUES (?1)"
#define SINCE_SQL                                                                                  \
    "INSERT OR IGNORE INTO asked SELECT id FROM accepted WHERE id >= ?1 OR time_us >= ?2"          \
    " UNION SELECT id FROM message WHERE id >= ?1 UNION SELECT id FROM recipient WHERE id >= ?1"
#define EACH_SQL   "SELECT id, " SCHEMA_IS_OPEN("a") " FROM asked a ORDER BY id"
#define REOPEN_SQL "DELETE FROM closed WHERE id = ?1 AND finding IN (?2, ?3)"
#define SWEPT_SQL                                                                                  \
    "UPDATE swept SET id = max(id, coalesce((SELECT max(id) FROM asked), ''),"                     \
    " coalesce((SELECT max(id) FROM message), ''))"

enum { ASK, SINCE, EACH, CLOSE, REOPEN, SWEPT, STATEMENTS };

struct work {
    const struct left_out *wish;
    sqlite3 *db;
    sqlite3_stmt *sql[STATEMENTS];
    uint64_t closed;
    struct err *err;
};

static int open_all(struct work *w, const char *path)
{
    const char *const sql[STATEMENTS] = {
        [ASK] = ASK_SQL,       [SINCE] = SINCE_SQL,
        [EACH] = EACH_SQL,     [CLOSE] = schema_statements[STORE_CLOSED],
        [REOPEN] = REOPEN_SQL, [SWEPT] = SWEPT_SQL};
    if (sqlite3_open_v2(path, &w->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        return w->db ? db_fail(w->db, path, w->err) : err_set(w->err, "out of memory");
    sqlite3_busy_timeout(w->db, BUSY_MS);
    if (schema_make(w->db, path, w->err) < 0 || db_exec(w->db, asked_sql, w->err) < 0)
        return -1;
    for (int i = 0; i < STATEMENTS; i++) {
        w->sql[i] = db_prepare(w->db, sql[i], w->err);
        if (w->sql[i] == NULL)
            return -1;
    }
    return 0;
}

/* Whom to ask for: into `asked`. */
static int collect(struct work *w)
{
    char since[TIME_ID_SIZE];
    struct str id;
    while (w->wish->next(w->wish->data, &id)) {
        db_bind(w->sql[ASK], 1, id);
        if (db_run(w->sql[ASK], w->err) < 0)
            return -1;
    }
    if (!w->wish->journal)
        return 0;
    db_bind(w->sql[SINCE], 1, time_id(w->wish->since_us, since));
    sqlite3_bind_int64(w->sql[SINCE], 2, w->wish->since_us);
    return db_run(w->sql[SINCE], w->err) < 0 ? -1 : db_run(w->sql[SWEPT], w->err);
}

static int close_one(struct work *w, struct str id)
{
    const struct str findings[] = {w->wish->lost, w->wish->held_gone};
    for (size_t i = 0; i < sizeof findings / sizeof findings[0]; i++) {
        db_bind(w->sql[CLOSE], 1, id);
        db_bind(w->sql[CLOSE], 2, findings[i]);
        sqlite3_bind_int64(w->sql[CLOSE], 3, w->wish->now_us);
        db_bind(w->sql[CLOSE], 4, w->wish->why);
        if (db_run(w->sql[CLOSE], w->err) < 0)
            return -1;
    }
    w->closed++;
    return 0;
}

static int reopen_one(struct work *w, struct str id)
{
    db_bind(w->sql[REOPEN], 1, id);
    db_bind(w->sql[REOPEN], 2, w->wish->lost);
    db_bind(w->sql[REOPEN], 3, w->wish->held_gone);
    return db_run(w->sql[REOPEN], w->err);
}

static int say_each(struct work *w)
{
    int code;
    while ((code = sqlite3_step(w->sql[EACH])) == SQLITE_ROW) {
        struct str id = str_n((const char *)sqlite3_column_text(w->sql[EACH], 0),
                              (size_t)sqlite3_column_bytes(w->sql[EACH], 0));
        bool open = sqlite3_column_int(w->sql[EACH], 1);
        int here = w->wish->is_here(w->wish->data, id, w->err);
        if (here < 0 || (here > 0 && reopen_one(w, id) < 0) ||
            (here == 0 && open && w->wish->journal && close_one(w, id) < 0))
            return -1;
    }
    return code == SQLITE_DONE ? 0 : db_fail(w->db, "reading the journal", w->err);
}

static int say_all(struct work *w, const char *path)
{
    if (open_all(w, path) < 0 || db_exec(w->db, "BEGIN IMMEDIATE", w->err) < 0 || collect(w) < 0 ||
        say_each(w) < 0)
        return -1;
    sqlite3_reset(w->sql[EACH]);
    return db_exec(w->db, "COMMIT", w->err);
}

int journal_left_out(const char *folder, const struct left_out *wish, uint64_t *closed,
                     struct err *err)
{
    struct work w = {.wish = wish, .err = err};
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, folder, JOURNAL_FILE, err) < 0)
        return -1;
    int result = say_all(&w, path);
    *closed = result == 0 ? w.closed : 0;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(w.sql[i]);
    sqlite3_close(w.db); /* what was not committed is undone */
    return result;
}
