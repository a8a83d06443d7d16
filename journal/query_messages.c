/* Messages, with their recipients and all that happened to these. */
#include "journal/query_open.h"

/* Ids of messages, newest first. Every branch walks an index that ends in id. */
static void ids_sql(const struct query *q, struct buf *sql)
{
    if (q->address.n)
        buf_addf(sql, "SELECT id FROM message WHERE sender = ?3 AND " QUERY_IN_IDS
                      " UNION SELECT id FROM recipient WHERE address = ?3 AND " QUERY_IN_IDS);
    else if (q->client_ip.n)
        buf_addf(sql, "SELECT id FROM message WHERE client_ip = ?4 AND " QUERY_IN_IDS);
    else
        buf_addf(sql, "SELECT id FROM message WHERE " QUERY_IN_IDS
                      " UNION SELECT id FROM recipient WHERE " QUERY_IN_IDS);
    buf_addf(sql, " ORDER BY id DESC");
    if (q->address.n && q->client_ip.n) {
        struct buf inner = *sql;
        *sql = BUF_INIT(QUERY_SQL_MAX);
        buf_addf(sql,
                 "SELECT id FROM (%s) WHERE id IN (SELECT id FROM message WHERE client_ip = ?4)"
                 " ORDER BY id DESC",
                 buf_cstr(&inner));
        buf_release(&inner);
    }
    buf_addf(sql, " LIMIT ?7");
}

static int read_outcomes(struct journal *journal, struct str id, struct journal_recipient *to,
                         struct pool *pool, struct err *err)
{
    size_t cap = 0;
    int code;
    db_bind(journal->outcomes, 1, id);
    sqlite3_bind_int64(journal->outcomes, 2, to->index);
    while ((code = sqlite3_step(journal->outcomes)) == SQLITE_ROW) {
        struct journal_outcome *all =
            pool_grow(pool, to->outcomes, to->n_outcomes, &cap, sizeof *all);
        if (all == NULL)
            break;
        to->outcomes = all;
        to->outcomes[to->n_outcomes++] = (struct journal_outcome){
            .time_us = sqlite3_column_int64(journal->outcomes, 0),
            .state = (enum recipient_state)sqlite3_column_int(journal->outcomes, 1),
            .relay = db_text(journal->outcomes, 2, pool),
            .detail = db_text(journal->outcomes, 3, pool)};
    }
    sqlite3_reset(journal->outcomes);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "outcomes", err);
}

static int read_recipients(struct journal *journal, struct journal_message *to, struct pool *pool,
                           struct err *err)
{
    sqlite3_stmt *stmt = journal->recipients;
    size_t cap = 0;
    int code, result = 0;
    db_bind(stmt, 1, to->event.id);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && result == 0) {
        struct journal_recipient *all =
            pool_grow(pool, to->recipients, to->n_recipients, &cap, sizeof *all);
        if (all == NULL)
            break;
        to->recipients = all;
        struct journal_recipient *recipient = &to->recipients[to->n_recipients++];
        *recipient =
            (struct journal_recipient){.index = (uint32_t)sqlite3_column_int64(stmt, 0),
                                       .address = db_text(stmt, 1, pool),
                                       .how = db_text(stmt, 2, pool),
                                       .state = (enum recipient_state)sqlite3_column_int(stmt, 3),
                                       .time_us = sqlite3_column_int64(stmt, 4)};
        result = read_outcomes(journal, to->event.id, recipient, pool, err);
    }
    sqlite3_reset(stmt);
    if (result < 0)
        return -1;
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "recipients", err);
}

static void take_message(sqlite3_stmt *stmt, struct pool *pool, struct event_message *event)
{
    event->time_us = sqlite3_column_int64(stmt, 0);
    event->client_ip = db_text(stmt, 1, pool);
    event->client_name = db_text(stmt, 2, pool);
    event->helo = db_text(stmt, 3, pool);
    event->sender = db_text(stmt, 4, pool);
    event->subject = db_text(stmt, 5, pool);
    event->message_id = db_text(stmt, 6, pool);
    event->size = (uint64_t)sqlite3_column_int64(stmt, 7);
    event->verdict = db_text(stmt, 8, pool);
    event->global = sqlite3_column_double(stmt, 9);
    event->heuristics = sqlite3_column_double(stmt, 10);
    event->bayes = sqlite3_column_double(stmt, 11);
    event->held = db_text(stmt, 12, pool);
    event->evidence = db_text(stmt, 13, pool);
}

static int read_message(struct journal *journal, struct journal_message *message, struct pool *pool,
                        struct err *err)
{
    db_bind(journal->message, 1, message->event.id);
    int code = sqlite3_step(journal->message);
    message->complete = code == SQLITE_ROW;
    if (message->complete)
        take_message(journal->message, pool, &message->event);
    sqlite3_reset(journal->message);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_fail(journal->db, "message", err);
    return read_recipients(journal, message, pool, err);
}

/* Newest first; the array has room for limit + 1. */
static int read_ids(struct journal *journal, const struct query *q, struct pool *pool,
                    struct journal_found *found, struct err *err)
{
    struct buf sql = BUF_INIT(QUERY_SQL_MAX);
    size_t cap = 0;
    int code = SQLITE_DONE;
    ids_sql(q, &sql);
    sqlite3_stmt *stmt = query_prepare(journal, &sql, q, err);
    if (stmt == NULL)
        return -1;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct journal_message *all =
            pool_grow(pool, found->messages, found->n_messages, &cap, sizeof *all);
        if (all == NULL)
            break;
        found->messages = all;
        found->messages[found->n_messages++] =
            (struct journal_message){.event = {.id = db_text(stmt, 0, pool)}};
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "messages", err);
}

int query_messages(struct journal *journal, const struct query *q, struct pool *pool,
                   struct journal_found *found, struct err *err)
{
    if (read_ids(journal, q, pool, found, err) < 0)
        return -1;
    if (found->n_messages > q->limit) {
        found->n_messages = q->limit;
        found->more = true;
    }
    for (size_t i = 0; i < found->n_messages / 2; i++) {
        struct journal_message *other = &found->messages[found->n_messages - 1 - i];
        struct journal_message swap = found->messages[i];
        found->messages[i] = *other;
        *other = swap;
    }
    for (size_t i = 0; i < found->n_messages; i++)
        if (read_message(journal, &found->messages[i], pool, err) < 0)
            return -1;
    return 0;
}
