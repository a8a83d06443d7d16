/* Whose mailbox was full, for the managers' digest. */
#include "journal/query_open.h"

/* RFC 3463 3.3: what gateway/smtp/reply.c says of a full mailbox, and nobody else. */
#define FULL_SINCE                                                                                 \
    "SELECT lower(recipient), count(*) FROM refusal WHERE time_us >= ?1 AND enhanced = '5.2.2'"    \
    " AND stage = 'rcpt' GROUP BY 1 ORDER BY 2 DESC, 1"

int journal_full_mailboxes(struct journal *journal, int64_t since_us, struct pool *pool,
                           struct journal_mailboxes *mailboxes, struct err *err)
{
    int code;
    *mailboxes = (struct journal_mailboxes){.n = 0};
    sqlite3_stmt *stmt = db_prepare(journal->db, FULL_SINCE, err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, since_us);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        uint64_t turned_away = (uint64_t)sqlite3_column_int64(stmt, 1);
        mailboxes->all++;
        if (mailboxes->n < JOURNAL_COUNTS_MAX)
            mailboxes->list[mailboxes->n++] =
                (struct journal_count){.what = db_text(stmt, 0, pool), .n = turned_away};
    }
    if (code != SQLITE_DONE)
        db_fail(journal->db, "cannot read", err);
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : -1;
}
