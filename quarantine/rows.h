/*
 * rows: the tables of the index, in the file that the delivery process writes and in the memory of
 * who reads what that file does not have yet. For the files of this room only.
 */
#ifndef POTERNE_QUARANTINE_ROWS_H
#define POTERNE_QUARANTINE_ROWS_H

#include "journal/db.h"
#include "quarantine/held.h"

#define ROWS_VERSION 1
#define ROWS_FILE    "index.sqlite" /* in quarantine/ */
#define ROWS_SQL_MAX 16384

/* Makes the empty tables in that schema of the connection: "main" or "temp". */
int rows_create(sqlite3 *db, const char *schema, struct err *err);

/* What writes them. */
struct rows {
    sqlite3_stmt *put_held, *put_recipient, *put_answer;
    sqlite3_stmt *drop_held, *drop_recipients, *drop_answers;
};
int rows_open(struct rows *rows, sqlite3 *db, const char *schema, struct err *err);
void rows_close(struct rows *rows);
/* In the place of what was known of that id. Not atomic by itself: within a transaction. */
int rows_put(struct rows *rows, const struct held *held, struct err *err);
int rows_drop(struct rows *rows, struct str id, struct err *err);

#endif
