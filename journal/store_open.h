/*
 * store_open: an open store, for store.c and sweep.c.
 */
#ifndef POTERNE_JOURNAL_STORE_OPEN_H
#define POTERNE_JOURNAL_STORE_OPEN_H

#include <limits.h>
#include <sqlite3.h>

#include "journal/store.h"

enum store_statement {
    STORE_BEGIN,
    STORE_COMMIT,
    STORE_MESSAGE,
    STORE_RECIPIENT,
    STORE_OUTCOME,
    STORE_REFUSED,
    STORE_DOOM,
    STORE_DOOM_ORPHANS,
    STORE_DROP_OUTCOMES,
    STORE_DROP_RECIPIENTS,
    STORE_DROP_MESSAGES,
    STORE_DROP_DOOMED,
    STORE_DROP_REFUSALS,
    STORE_STATEMENTS
};

struct journal_store {
    char path[PATH_MAX];
    sqlite3 *db; /* NULL after a failure */
    sqlite3_stmt *sql[STORE_STATEMENTS];
    bool writing; /* in a transaction */
};

int store_begin(struct journal_store *store, struct err *err);
/* Runs a statement that was bound. On failure the database is closed, and set aside if damaged. */
int store_run(struct journal_store *store, enum store_statement which, struct err *err);
/* What store_run() does on failure; returns -1. */
int store_fail(struct journal_store *store, struct err *err);

#endif
