/*
 * db: SQLite, as the journal uses it.
 */
#ifndef POTERNE_JOURNAL_DB_H
#define POTERNE_JOURNAL_DB_H

#include <sqlite3.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"

#define JOURNAL_FILE           "journal.sqlite"
#define JOURNAL_SCHEMA_VERSION 6

/* err from what SQLite says of the last failure; returns -1. */
int db_fail(sqlite3 *db, const char *what, struct err *err);
/* Does the code say that the file is damaged or is no database? */
bool db_damaged(int code);

/* The journal at path, to read beside its writer. To be closed; NULL with err set, also where there
 * is none yet (errno ENOENT). */
sqlite3 *db_open_read(const char *path, struct err *err);
/* Of its schema: -1 where this poterne can't read it. What an older one lacks is missed only by who
 * asks for it. */
int db_schema_version(sqlite3 *db, int64_t *version, struct err *err);

int db_exec(sqlite3 *db, const char *sql, struct err *err);
/* NULL with err set. */
sqlite3_stmt *db_prepare(sqlite3 *db, const char *sql, struct err *err);
/* The one number of a query such as PRAGMA user_version. */
int db_number(sqlite3 *db, const char *sql, int64_t *number, struct err *err);
/* Runs a statement that gives no rows, and makes it ready again. */
int db_run(sqlite3_stmt *stmt, struct err *err);

/* The text is not copied: it must live until the statement was run. */
void db_bind(sqlite3_stmt *stmt, int at, struct str text);
/* A copy in pool; empty when the pool is exhausted. */
struct str db_text(sqlite3_stmt *stmt, int column, struct pool *pool);

#endif
