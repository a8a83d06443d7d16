/* What is asked for, as parameters of SQL. */
#include "journal/query_open.h"
#include "journal/time_id.h"

#define ULID_END "~" /* behind every character of an id */

/* Ids are in upper case. */
static int set_ids(struct query *q, const struct journal_filter *filter, struct err *err)
{
    if (filter->id.n == 0) {
        q->id = q->from_us > 0 ? time_id(q->from_us, q->id_text) : STR_EMPTY;
        q->id_end = q->to_us < INT64_MAX ? time_id(q->to_us, q->end_text) : STR(ULID_END);
        return 0;
    }
    if (filter->id.n + sizeof ULID_END > sizeof q->id_text ||
        !str_copy(filter->id, q->id_text, sizeof q->id_text))
        return err_set(err, "`%.*s` is not the id of a message",
                       STR_ARG(str_sub(filter->id, 0, 60)));
    for (char *c = q->id_text; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
    memcpy(q->end_text, q->id_text, filter->id.n);
    memcpy(q->end_text + filter->id.n, ULID_END, sizeof ULID_END);
    q->id = str_of(q->id_text);
    q->id_end = str_of(q->end_text);
    return 0;
}

int query_make(struct query *q, const struct journal_filter *filter, struct err *err)
{
    *q = (struct query){.by_id = filter->id.n > 0,
                        .address = filter->address,
                        .client_ip = filter->client_ip,
                        .from_us = filter->from_us,
                        .to_us = filter->to_us ? filter->to_us : INT64_MAX,
                        .limit = filter->limit};
    if (q->limit == 0 || q->limit > JOURNAL_LIMIT_MAX)
        q->limit = JOURNAL_LIMIT_MAX;
    return set_ids(q, filter, err);
}

static void bind(sqlite3_stmt *stmt, const struct query *q)
{
    db_bind(stmt, 1, q->id);
    db_bind(stmt, 2, q->id_end);
    db_bind(stmt, 3, q->address);
    db_bind(stmt, 4, q->client_ip);
    sqlite3_bind_int64(stmt, 5, q->from_us);
    sqlite3_bind_int64(stmt, 6, q->to_us);
    sqlite3_bind_int64(stmt, 7, (int64_t)q->limit + 1);
}

sqlite3_stmt *query_prepare(struct journal *journal, struct buf *sql, const struct query *q,
                            struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (buf_ok(sql))
        stmt = db_prepare(journal->db, buf_cstr(sql), err);
    else
        err_set(err, "journal: query too long");
    buf_release(sql);
    if (stmt)
        bind(stmt, q);
    return stmt;
}

int query_pool_full(struct err *err)
{
    return err_set(err, "journal: too much was found for memory; ask for less");
}
