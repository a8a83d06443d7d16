/*
 * query_open: an open journal and a search in it, for the query*.c files.
 */
#ifndef POTERNE_JOURNAL_QUERY_OPEN_H
#define POTERNE_JOURNAL_QUERY_OPEN_H

#include "base/buf.h"
#include "journal/db.h"
#include "journal/query.h"

#define QUERY_SQL_MAX 4096

struct journal {
    sqlite3 *db;
    sqlite3_stmt *message;
    sqlite3_stmt *recipients;
    sqlite3_stmt *outcomes;
};

/* ?1 … ?7 of every query, in this order; what a query does not name has no effect. */
struct query {
    bool by_id;
    struct str id, id_end; /* ids from the one up to the other */
    struct str address, client_ip;
    int64_t from_us, to_us;
    size_t limit;
    char id_text[64];
    char end_text[64];
};

/* Conditions on the parameters above; their columns end in what results are ordered by. */
#define QUERY_IN_IDS  "id >= ?1 AND id < ?2"
#define QUERY_IN_TIME "time_us >= ?5 AND time_us < ?6"

int query_make(struct query *q, const struct journal_filter *filter, struct err *err);
/* The statement with its parameters bound; one row more than the limit is asked for, to know of
 * more. The sql buf is released. NULL with err set. */
sqlite3_stmt *query_prepare(struct journal *journal, struct buf *sql, const struct query *q,
                            struct err *err);
int query_pool_full(struct err *err);

int query_messages(struct journal *journal, const struct query *q, struct pool *pool,
                   struct journal_found *found, struct err *err);
int query_refusals(struct journal *journal, const struct query *q, struct pool *pool,
                   struct journal_found *found, struct err *err);

#endif
