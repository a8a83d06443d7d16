/* How the last audit ended. */
#include "journal/query_open.h"

int journal_last_audit(struct journal *journal, struct pool *pool, struct event_audit *audit,
                       struct err *err)
{
    int64_t version;
    *audit = (struct event_audit){0};
    if (db_number(journal->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version < 5)
        return 0;
    sqlite3_stmt *stmt =
        db_prepare(journal->db,
                   "SELECT time_us, duration_ms, messages, recipients, findings, failure, summary"
                   " FROM audit ORDER BY time_us DESC LIMIT 1",
                   err);
    if (stmt == NULL)
        return -1;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *audit = (struct event_audit){
            .time_us = sqlite3_column_int64(stmt, 0),
            .duration_ms = (uint64_t)sqlite3_column_int64(stmt, 1),
            .messages = (uint64_t)sqlite3_column_int64(stmt, 2),
            .recipients = (uint64_t)sqlite3_column_int64(stmt, 3),
            .findings = (uint64_t)sqlite3_column_int64(stmt, 4),
            .failure = db_text(stmt, 5, pool),
            .summary = db_text(stmt, 6, pool),
        };
    int result = code == SQLITE_ROW    ? 1
                 : code == SQLITE_DONE ? 0
                                       : db_fail(journal->db, "the last audit", err);
    sqlite3_finalize(stmt);
    return result;
}

int journal_open_recipients(struct journal *journal, uint64_t in[RECIPIENT_STATES], struct err *err)
{
    memset(in, 0, RECIPIENT_STATES * sizeof *in);
    sqlite3_stmt *stmt = db_prepare(journal->db,
                                    "SELECT state, count(*) FROM recipient"
                                    " WHERE state IN (0, 1, 3, 4) GROUP BY state",
                                    err);
    if (stmt == NULL)
        return -1;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int state = sqlite3_column_int(stmt, 0);
        if (state >= 0 && state < RECIPIENT_STATES)
            in[state] = (uint64_t)sqlite3_column_int64(stmt, 1);
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "open recipients", err);
}
