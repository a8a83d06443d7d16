#include "journal/query.h"

#include <limits.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "journal/query_open.h"

static int prepare_all(struct journal *journal, struct err *err)
{
    journal->message = db_prepare(
        journal->db,
        "SELECT time_us, client_ip, client_name, helo, sender, subject, message_id, size,"
        " verdict, global, heuristics, bayes, held, evidence FROM message WHERE id = ?1",
        err);
    journal->recipients = db_prepare(journal->db,
                                     "SELECT idx, address, how, state, time_us FROM recipient"
                                     " WHERE id = ?1 ORDER BY idx",
                                     err);
    journal->outcomes = db_prepare(journal->db,
                                   "SELECT time_us, state, relay, detail FROM outcome"
                                   " WHERE id = ?1 AND idx = ?2 ORDER BY time_us, state",
                                   err);
    return journal->message && journal->recipients && journal->outcomes ? 0 : -1;
}

static int open_db(struct journal *journal, const char *path, struct err *err)
{
    int64_t version;
    journal->db = db_open_read(path, err);
    if (journal->db == NULL || db_schema_version(journal->db, &version, err) < 0)
        return -1;
    return prepare_all(journal, err);
}

struct journal *journal_open(const char *folder, struct err *err)
{
    char path[PATH_MAX];
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        err_set(err, "journal: out of memory");
    else if (fsio_join(path, sizeof path, folder, JOURNAL_FILE, err) == 0 &&
             open_db(journal, path, err) == 0)
        return journal;
    journal_close(&journal);
    return NULL;
}

struct journal *journal_open_state(const char *state_dir, struct err *err)
{
    char folder[PATH_MAX];
    if (fsio_join(folder, sizeof folder, state_dir, "journal", err) < 0)
        return NULL;
    return journal_open(folder, err);
}

void journal_close(struct journal **journal)
{
    struct journal *gone = *journal;
    if (gone == NULL)
        return;
    sqlite3_finalize(gone->message);
    sqlite3_finalize(gone->recipients);
    sqlite3_finalize(gone->outcomes);
    sqlite3_close(gone->db);
    free(gone);
    *journal = NULL;
}

int journal_search(struct journal *journal, const struct journal_filter *filter, struct pool *pool,
                   struct journal_found *found, struct err *err)
{
    struct query q;
    *found = (struct journal_found){0};
    if (query_make(&q, filter, err) < 0)
        return -1;
    /* One transaction: what is found belongs together. */
    if (db_exec(journal->db, "BEGIN", err) < 0)
        return -1;
    int result = query_messages(journal, &q, pool, found, err);
    if (result == 0)
        result = query_refusals(journal, &q, pool, found, err);
    sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL);
    return result;
}

static int count(struct journal *journal, const char *sql, uint64_t *to, struct err *err)
{
    int64_t number;
    if (db_number(journal->db, sql, &number, err) < 0)
        return -1;
    *to = (uint64_t)number;
    return 0;
}

int journal_totals(struct journal *journal, struct journal_totals *totals, struct err *err)
{
    *totals = (struct journal_totals){0};
    if (count(journal, "SELECT count(*) FROM message", &totals->messages, err) < 0 ||
        count(journal, "SELECT count(*) FROM refusal", &totals->refusals, err) < 0)
        return -1;
    sqlite3_stmt *stmt =
        db_prepare(journal->db, "SELECT state, count(*) FROM recipient GROUP BY state", err);
    if (stmt == NULL)
        return -1;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int state = sqlite3_column_int(stmt, 0);
        uint64_t n = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (state >= 0 && state < RECIPIENT_STATES)
            totals->recipients_in[state] = n;
        totals->recipients += n;
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "totals", err);
}
