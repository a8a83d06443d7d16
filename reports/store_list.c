/* store_list: what there is, one by one or in groups of near-identical messages. */
#include "reports/reporter.h"
#include "reports/store_open.h"

#define SQL_MAX 8192

/* Two columns that tell groups apart; ?4 asks for groups, else each is one of its own. */
#define GROUP_CAMPAIGN "CASE WHEN ?4 AND p.campaign <> 0 THEN p.campaign ELSE 0 END"
#define GROUP_NUMBER   "CASE WHEN ?4 AND p.campaign <> 0 THEN 0 ELSE p.number END"

static sqlite3_stmt *prepare_list(struct proposals *store, const struct proposal_filter *filter,
                                  size_t limit, struct err *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    unsigned all_states = (1u << PROPOSAL_STATES) - 1;
    buf_addf(&sql,
             "SELECT min(p.number), count(DISTINCT p.number), count(DISTINCT r.reporter),"
             " max(p.number), max(p.time_us), max(t.trust), count(DISTINCT p.sender)"
             " FROM proposal p JOIN report r USING (number) JOIN %s t ON t.reporter = r.reporter"
             " WHERE (?1 >> p.state) & 1 AND (?2 >> p.direction) & 1 AND p.time_us >= ?3"
             " AND (?5 = '' OR EXISTS (SELECT 1 FROM report o WHERE o.number = p.number"
             "  AND o.reporter = ?5))"
             " GROUP BY p.state, p.direction, p.identity, " GROUP_CAMPAIGN ", " GROUP_NUMBER
             " ORDER BY max(t.trust) DESC, p.identity = 1 DESC, max(t.trust_at_most) DESC,"
             " min(p.number) LIMIT ?6",
             reporter_records);
    sqlite3_stmt *stmt = store_prepare(store, buf_cstr(&sql), err);
    buf_release(&sql);
    if (stmt == NULL)
        return NULL;
    sqlite3_bind_int64(stmt, 1, filter->states ? filter->states : all_states);
    sqlite3_bind_int64(stmt, 2, filter->directions ? filter->directions : 3);
    sqlite3_bind_int64(stmt, 3, filter->since_us);
    sqlite3_bind_int64(stmt, 4, filter->grouped);
    db_bind(stmt, 5, filter->reporter);
    sqlite3_bind_int64(stmt, 6, (int64_t)limit + 1);
    return stmt;
}
_Static_assert(IDENTITY_GENUINE == 1 && LEARN_HAM == 0 && LEARN_SPAM == 1,
               "these stand in the SQL above");

static int read_lead(struct proposals *store, uint64_t number, struct pool *pool,
                     struct proposal *lead, struct err *err)
{
    sqlite3_stmt *stmt =
        store_prepare(store, "SELECT " STORE_COLUMNS " FROM proposal WHERE number = ?1", err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, (int64_t)number);
    int result = sqlite3_step(stmt) == SQLITE_ROW ? store_row(stmt, pool, lead, err)
                                                  : store_index_fail(store, "cannot read", err);
    sqlite3_finalize(stmt);
    return result;
}

static int read_lines(struct proposals *store, sqlite3_stmt *stmt, size_t limit, struct pool *pool,
                      struct proposal_list *found, struct err *err)
{
    size_t cap = 0;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (found->n == limit) {
            found->more = true;
            return 0;
        }
        struct proposal_line *lines = pool_grow(pool, found->lines, found->n, &cap, sizeof *lines);
        if (lines == NULL)
            return err_set(err, "out of memory for proposals");
        found->lines = lines;
        struct proposal_line *line = &lines[found->n++];
        *line = (struct proposal_line){.n = (uint64_t)sqlite3_column_int64(stmt, 1),
                                       .reporters = (uint64_t)sqlite3_column_int64(stmt, 2),
                                       .last = (uint64_t)sqlite3_column_int64(stmt, 3),
                                       .last_us = sqlite3_column_int64(stmt, 4),
                                       .trust = sqlite3_column_double(stmt, 5),
                                       .senders = (uint64_t)sqlite3_column_int64(stmt, 6)};
        uint64_t lead = (uint64_t)sqlite3_column_int64(stmt, 0);
        if (read_lead(store, lead, pool, &line->lead, err) < 0)
            return -1;
    }
    return code == SQLITE_DONE ? 0 : store_index_fail(store, "cannot read", err);
}

int proposals_list(struct proposals *store, const struct proposal_filter *filter, struct pool *pool,
                   struct proposal_list *list, struct err *err)
{
    size_t limit =
        filter->limit && filter->limit < PROPOSALS_LIST_MAX ? filter->limit : PROPOSALS_LIST_MAX;
    *list = (struct proposal_list){0};
    /* One transaction: what is found belongs together. */
    if (store_run(store, store_prepare(store, "BEGIN", err), err) < 0)
        return -1;
    sqlite3_stmt *stmt = prepare_list(store, filter, limit, err);
    int result = stmt ? read_lines(store, stmt, limit, pool, list, err) : -1;
    sqlite3_finalize(stmt);
    sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    return result;
}

int proposals_totals(struct proposals *store, struct proposal_totals *totals, struct err *err)
{
    *totals = (struct proposal_totals){0};
    sqlite3_stmt *stmt =
        store_prepare(store,
                      "SELECT state, count(*), sum(size * kept) FROM proposal GROUP BY state", err);
    if (stmt == NULL)
        return -1;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int state = sqlite3_column_int(stmt, 0);
        if (state >= 0 && state < PROPOSAL_STATES)
            totals->in[state] = (uint64_t)sqlite3_column_int64(stmt, 1);
        totals->bytes += (uint64_t)sqlite3_column_int64(stmt, 2);
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : store_index_fail(store, "cannot read", err);
}
