/*
 * store_open: an open store, for store.c and sweep.c.
 */
#ifndef POTERNE_JOURNAL_STORE_OPEN_H
#define POTERNE_JOURNAL_STORE_OPEN_H

#include <limits.h>
#include <sqlite3.h>

#include "journal/schema.h"
#include "journal/store.h"

struct journal_store {
    char path[PATH_MAX];
    sqlite3 *db; /* NULL after a failure */
    sqlite3_stmt *sql[STORE_STATEMENTS];
    bool writing;                /* in a transaction */
    bool no_dmarc, no_tls;       /* are not counted */
    int64_t tally_day_bytes_max; /* of a day and kind */
};

int store_begin(struct journal_store *store, struct err *err);
/* Runs a statement that was bound. On failure the database is closed, and set aside if damaged. */
int store_run(struct journal_store *store, enum store_statement which, struct err *err);
/* tally.c: the counts of a day. Of a message or refusal that was not there before; -1 as
 * store_run() */
int tally_message(struct journal_store *store, const struct event_message *event, struct err *err);
int tally_refused(struct journal_store *store, const struct event_refused *event, struct err *err);
int tally_tls(struct journal_store *store, const struct event_tls *event, struct err *err);
/* Forgets some rows of the oldest days: of those before the time, and above that many bytes of any
 * but today and yesterday; counts them. */
int tally_drop(struct journal_store *store, int64_t now_us, int64_t before_us, int64_t bytes_max,
               int64_t *rows, struct err *err);

/* feedback.c: what others report to us. */
int feedback_apply_tls(struct journal_store *store, const struct event_tls_feedback *event,
                       struct err *err);
int feedback_apply(struct journal_store *store, const struct event_feedback *event,
                   struct err *err);
/* Forgets some reports, the oldest: of before the time, or above that many bytes. */
int feedback_drop(struct journal_store *store, int64_t before_us, int64_t bytes_max, int64_t *rows,
                  struct err *err);

/* About how much of the file a row of a table without rowid takes whose texts are that long: what
 * is long has pages of its own. */
static inline int64_t store_row_bytes(size_t texts)
{
    return (int64_t)texts + 64 + (texts > 800 ? 4096 : 0);
}

/* What store_run() does on failure; returns -1. */
int store_fail(struct journal_store *store, struct err *err);

#endif
