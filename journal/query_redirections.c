/* Whose mail was not redirected as its source says, and why, for the managers' digest. */
#include "journal/query_open.h"
#include "journal/time_id.h"

/* The words of directory/redirect.c and gateway/edge/redirect.c, and those of the refusal in
 * gateway/smtp/reply.c. Walks the key of recipient, and the refusals of that time. */
#define NOT_REDIRECTED                                                                             \
    "SELECT who, why, sum(n) FROM ("                                                               \
    " SELECT lower(address) AS who, substr(how, instr(how, '; not redirected') + 2) AS why,"       \
    "  count(*) AS n FROM recipient WHERE id >= ?1 AND instr(how, '; not redirected') > 0"         \
    "  GROUP BY 1, 2"                                                                              \
    " UNION ALL SELECT lower(recipient), text, count(*) FROM refusal WHERE time_us >= ?2"          \
    "  AND stage = 'rcpt' AND text LIKE 'Mail may not be redirected there%' GROUP BY 1, 2)"        \
    " GROUP BY who, why ORDER BY 3 DESC, 1"

int journal_redirections(struct journal *journal, int64_t since_us, struct pool *pool,
                         struct journal_mailboxes *mailboxes, struct err *err)
{
    char id[TIME_ID_SIZE];
    int code;
    *mailboxes = (struct journal_mailboxes){.n = 0};
    sqlite3_stmt *stmt = db_prepare(journal->db, NOT_REDIRECTED, err);
    if (stmt == NULL)
        return -1;
    db_bind(stmt, 1, time_id(since_us, id));
    sqlite3_bind_int64(stmt, 2, since_us);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct journal_count count = {.n = (uint64_t)sqlite3_column_int64(stmt, 2)};
        mailboxes->all++;
        if (mailboxes->n == JOURNAL_COUNTS_MAX)
            continue;
        count.what = db_text(stmt, 0, pool);
        count.who = db_text(stmt, 1, pool);
        mailboxes->list[mailboxes->n++] = count;
    }
    if (code != SQLITE_DONE)
        db_fail(journal->db, "cannot read", err);
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : -1;
}
