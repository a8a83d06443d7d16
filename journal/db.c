#include "journal/db.h"

#include <unistd.h>

#define READ_BUSY_MS 10000 /* the writer opens, or is gone and a reader mends what it left */

int db_fail(sqlite3 *db, const char *what, struct err *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    return err_set(err, "%s: %s: %s (%d)", path ? path : "database", what, sqlite3_errmsg(db),
                   sqlite3_extended_errcode(db));
}

bool db_damaged(int code)
{
    int primary = code & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

sqlite3 *db_open_read(const char *path, struct err *err)
{
    sqlite3 *db = NULL;
    if (access(path, F_OK) < 0) {
        err_sys(err, "no journal at %s yet", path);
        return NULL;
    }
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, READ_BUSY_MS);
        return db;
    }
    if (db)
        db_fail(db, path, err);
    else
        err_set(err, "journal: out of memory");
    sqlite3_close(db);
    return NULL;
}

int db_schema_version(sqlite3 *db, int64_t *version, struct err *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    if (db_number(db, "PRAGMA user_version", version, err) < 0)
        return -1;
    if (*version > 0 && *version <= JOURNAL_SCHEMA_VERSION)
        return 0;
    return err_set(err, "%s: the journal has schema %lld, this poterne reads up to %d",
                   path ? path : "database", (long long)*version, JOURNAL_SCHEMA_VERSION);
}

int db_exec(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_fail(db, sql, err);
}

sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        db_fail(db, sql, err);
    return stmt;
}

int db_number(sqlite3 *db, const char *sql, int64_t *number, struct err *err)
{
    int result = -1;
    sqlite3_stmt *stmt = db_prepare(db, sql, err);
    if (stmt == NULL)
        return -1;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        *number = sqlite3_column_int64(stmt, 0);
        result = 0;
    } else {
        db_fail(db, sql, err);
    }
    sqlite3_finalize(stmt);
    return result;
}

int db_run(sqlite3_stmt *stmt, struct err *err)
{
    int code = sqlite3_step(stmt);
    int result = code == SQLITE_DONE ? 0 : db_fail(sqlite3_db_handle(stmt), "write", err);
    sqlite3_reset(stmt);
    return result;
}

void db_bind(sqlite3_stmt *stmt, int at, struct str text)
{
    sqlite3_bind_text64(stmt, at, text.n ? text.s : "", text.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct str db_text(sqlite3_stmt *stmt, int column, struct pool *pool)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    int n = sqlite3_column_bytes(stmt, column);
    return text && n > 0 ? pool_str(pool, str_n(text, (size_t)n)) : STR_EMPTY;
}
