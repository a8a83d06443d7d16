/* What was turned away. */
#include "journal/query_open.h"

#define REFUSAL_COLUMNS                                                                            \
    "SELECT time_us, id, session, client_ip, client_name, helo, sender, recipient, stage, code,"   \
    " enhanced, text, evidence, no FROM refusal "

static void refusals_sql(const struct query *q, struct buf *sql)
{
    const char *client = q->client_ip.n ? " AND client_ip = ?4" : "";
    if (q->by_id)
        buf_addf(sql,
                 REFUSAL_COLUMNS "INDEXED BY refusal_id WHERE id <> '' AND " QUERY_IN_IDS
                                 " AND " QUERY_IN_TIME "%s",
                 client);
    else if (q->address.n)
        buf_addf(sql,
                 REFUSAL_COLUMNS "WHERE sender <> '' AND sender = ?3 AND " QUERY_IN_TIME "%s"
                                 " UNION " REFUSAL_COLUMNS
                                 "WHERE recipient <> '' AND recipient = ?3 AND " QUERY_IN_TIME "%s",
                 client, client);
    else
        buf_addf(sql, REFUSAL_COLUMNS "WHERE " QUERY_IN_TIME "%s", client);
    if (q->by_id && q->address.n)
        buf_addf(sql, " AND (sender = ?3 OR recipient = ?3)");
    buf_addf(sql, " ORDER BY time_us DESC, no DESC LIMIT ?7");
}

static void take_refusal(sqlite3_stmt *stmt, struct pool *pool, struct event_refused *event)
{
    *event = (struct event_refused){.time_us = sqlite3_column_int64(stmt, 0),
                                    .id = db_text(stmt, 1, pool),
                                    .session = db_text(stmt, 2, pool),
                                    .client_ip = db_text(stmt, 3, pool),
                                    .client_name = db_text(stmt, 4, pool),
                                    .helo = db_text(stmt, 5, pool),
                                    .sender = db_text(stmt, 6, pool),
                                    .recipient = db_text(stmt, 7, pool),
                                    .stage = db_text(stmt, 8, pool),
                                    .code = (uint32_t)sqlite3_column_int64(stmt, 9),
                                    .enhanced = db_text(stmt, 10, pool),
                                    .text = db_text(stmt, 11, pool),
                                    .evidence = db_text(stmt, 12, pool)};
}

int query_refusals(struct journal *journal, const struct query *q, struct pool *pool,
                   struct journal_found *found, struct err *err)
{
    struct buf sql = BUF_INIT(QUERY_SQL_MAX);
    size_t cap = 0;
    int code;
    refusals_sql(q, &sql);
    sqlite3_stmt *stmt = query_prepare(journal, &sql, q, err);
    if (stmt == NULL)
        return -1;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct event_refused *all =
            pool_grow(pool, found->refusals, found->n_refusals, &cap, sizeof *all);
        if (all == NULL)
            break;
        found->refusals = all;
        take_refusal(stmt, pool, &found->refusals[found->n_refusals++]);
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    if (code != SQLITE_DONE)
        return db_fail(journal->db, "refusals", err);
    if (found->n_refusals > q->limit) {
        found->n_refusals = q->limit;
        found->more = true;
    }
    for (size_t i = 0; i < found->n_refusals / 2; i++) {
        struct event_refused *other = &found->refusals[found->n_refusals - 1 - i];
        struct event_refused swap = found->refusals[i];
        found->refusals[i] = *other;
        *other = swap;
    }
    return 0;
}
