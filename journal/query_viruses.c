/* What is held, and what was found infected, for the managers' digest. */
#include "base/recipient.h"
#include "journal/query_open.h"
#include "journal/time_id.h"

/* The condition on the state that its index is made with stands beside ours, so that it is used. */
#define HELD_NOW                                                                                   \
    "SELECT verdict, '', count(*) FROM message WHERE id IN (SELECT id FROM recipient"              \
    " WHERE state IN (0, 1, 3, 4) AND state = 3) GROUP BY verdict ORDER BY 3 DESC"
#define FOUND_SINCE                                                                                \
    "SELECT held, '', count(*) FROM message WHERE id >= ?1 AND verdict = 'infected'"               \
    " GROUP BY held ORDER BY 3 DESC"
/* What was refused says so in its evidence. */
#define CLIENTS_SINCE                                                                              \
    "SELECT client_ip, sender, sum(n) FROM ("                                                      \
    " SELECT client_ip, sender, count(*) AS n FROM message WHERE id >= ?1"                         \
    "  AND verdict = 'infected' GROUP BY client_ip, sender"                                        \
    " UNION ALL SELECT client_ip, sender, count(*) FROM refusal WHERE time_us >= ?2"               \
    "  AND evidence LIKE '%\"verdict\":\"infected\"%' GROUP BY client_ip, sender)"                 \
    " GROUP BY client_ip, sender ORDER BY 3 DESC"
_Static_assert(RCPT_HELD == 3, "stands in the SQL above");

struct counting {
    struct journal *journal;
    int64_t since_us;
    struct pool *pool;
    bool (*wanted)(void *data, struct str client_ip); /* NULL: all */
    void *data;
};

static int count_all(const struct counting *c, const char *sql, struct journal_count *list,
                     size_t *n, struct err *err)
{
    char id[TIME_ID_SIZE];
    int code;
    sqlite3_stmt *stmt = db_prepare(c->journal->db, sql, err);
    if (stmt == NULL)
        return -1;
    int parameters = sqlite3_bind_parameter_count(stmt);
    if (parameters > 0)
        db_bind(stmt, 1, time_id(c->since_us, id));
    if (parameters > 1)
        sqlite3_bind_int64(stmt, 2, c->since_us);
    *n = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && *n < JOURNAL_COUNTS_MAX) {
        const char *what = (const char *)sqlite3_column_text(stmt, 0);
        if (c->wanted && !c->wanted(c->data, str_of(what ? what : "")))
            continue;
        list[(*n)++] = (struct journal_count){.what = db_text(stmt, 0, c->pool),
                                              .who = db_text(stmt, 1, c->pool),
                                              .n = (uint64_t)sqlite3_column_int64(stmt, 2)};
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        db_fail(c->journal->db, "cannot read", err);
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

int journal_viruses(struct journal *journal, int64_t since_us,
                    bool (*wanted)(void *data, struct str client_ip), void *data, struct pool *pool,
                    struct journal_viruses *viruses, struct err *err)
{
    struct counting all = {.journal = journal, .since_us = since_us, .pool = pool};
    struct counting some = all;
    some.wanted = wanted;
    some.data = data;
    if (count_all(&all, HELD_NOW, viruses->held, &viruses->n_held, err) < 0 ||
        count_all(&all, FOUND_SINCE, viruses->found, &viruses->n_found, err) < 0)
        return -1;
    return count_all(&some, CLIENTS_SINCE, viruses->clients, &viruses->n_clients, err);
}
