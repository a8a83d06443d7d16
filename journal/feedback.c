/* What others report to us: kept and found (feedback.h). */
#include "journal/feedback.h"

#include "journal/query_open.h"
#include "journal/store_open.h"

#define DROP_REPORTS 100   /* at once: a sweep is short */
#define DROP_ROWS    20000 /* … and then no further report */

static int64_t bytes_of_row(const struct event_feedback *e)
{
    return store_row_bytes(e->source_ip.n + e->disposition.n + e->dkim.n + e->spf.n +
                           e->override.n + e->header_from.n + e->envelope_from.n + e->results.n);
}

int feedback_apply(struct journal_store *store, const struct event_feedback *e, struct err *err)
{
    sqlite3_stmt *report = store->sql[STORE_FEEDBACK];
    sqlite3_bind_int64(report, 1, e->time_us);
    db_bind(report, 2, e->message);
    db_bind(report, 3, e->org);
    db_bind(report, 4, e->email);
    db_bind(report, 5, e->report_id);
    sqlite3_bind_int64(report, 6, (int64_t)e->digest);
    db_bind(report, 7, e->domain);
    db_bind(report, 8, e->policy);
    sqlite3_bind_int64(report, 9, e->begin_s);
    sqlite3_bind_int64(report, 10, e->end_s);
    sqlite3_bind_int64(report, 11,
                       store_row_bytes(e->message.n + e->email.n + e->domain.n + e->policy.n) +
                           2 * store_row_bytes(e->org.n + e->report_id.n)); /* in an index, too */
    if (store_run(store, STORE_FEEDBACK, err) < 0)
        return -1;
    sqlite3_stmt *row = store->sql[STORE_FEEDBACK_ROW];
    db_bind(row, 1, e->org);
    db_bind(row, 2, e->report_id);
    sqlite3_bind_int64(row, 3, (int64_t)e->digest);
    sqlite3_bind_int64(row, 4, e->index);
    sqlite3_bind_int64(row, 5, (int64_t)e->n);
    db_bind(row, 6, e->source_ip);
    db_bind(row, 7, e->disposition);
    db_bind(row, 8, e->dkim);
    db_bind(row, 9, e->spf);
    db_bind(row, 10, e->override);
    db_bind(row, 11, e->header_from);
    db_bind(row, 12, e->envelope_from);
    db_bind(row, 13, e->results);
    if (store_run(store, STORE_FEEDBACK_ROW, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return 0;
    sqlite3_stmt *grown = store->sql[STORE_FEEDBACK_GROWN];
    db_bind(grown, 1, e->org);
    db_bind(grown, 2, e->report_id);
    sqlite3_bind_int64(grown, 3, (int64_t)e->digest);
    sqlite3_bind_int64(grown, 4, bytes_of_row(e));
    return store_run(store, STORE_FEEDBACK_GROWN, err);
}

static int drop_oldest(struct journal_store *store, int64_t before_us, int64_t bytes_max,
                       int64_t *rows, struct err *err)
{
    static const enum store_statement drops[] = {STORE_FEEDBACK_DROP_ROWS, STORE_FEEDBACK_DROP};
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++) {
        sqlite3_bind_int64(store->sql[drops[i]], 1, before_us);
        sqlite3_bind_int64(store->sql[drops[i]], 2, FEEDBACK_REPORTS_MAX);
        sqlite3_bind_int64(store->sql[drops[i]], 3, bytes_max);
        if (store_run(store, drops[i], err) < 0)
            return -1;
        *rows += sqlite3_changes64(store->db);
    }
    return 0;
}

int feedback_drop(struct journal_store *store, int64_t before_us, int64_t bytes_max, int64_t *rows,
                  struct err *err)
{
    int64_t begun = *rows, before = -1;
    for (int i = 0; i<DROP_REPORTS && * rows> before && *rows < begun + DROP_ROWS; i++) {
        before = *rows;
        if (drop_oldest(store, before_us, bytes_max, rows, err) < 0)
            return -1;
    }
    return 0;
}

int feedback_sums(struct journal *journal, const struct feedback_filter *filter, struct pool *pool,
                  struct feedback_sum **sums, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *sums = NULL;
    *n = 0;
    sqlite3_stmt *stmt = db_prepare(
        journal->db,
        "SELECT f.domain, r.header_from, r.source_ip, r.disposition, r.dkim, r.spf, sum(r.n),"
        " count(DISTINCT f.no) FROM feedback f JOIN feedback_row r ON r.report = f.no"
        " WHERE (?1 = '' OR f.domain = ?1) AND f.begin_s >= ?2 AND (?3 = 0 OR f.begin_s < ?3)"
        " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 7 DESC, 1, 2, 3, 4, 5, 6 LIMIT ?4",
        err);
    if (stmt == NULL)
        return -1;
    db_bind(stmt, 1, filter->domain);
    sqlite3_bind_int64(stmt, 2, filter->from_s);
    sqlite3_bind_int64(stmt, 3, filter->to_s);
    sqlite3_bind_int64(stmt, 4, (int64_t)filter->limit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct feedback_sum *all = pool_grow(pool, *sums, *n, &cap, sizeof *all);
        if (all == NULL)
            break;
        *sums = all;
        all[(*n)++] = (struct feedback_sum){.domain = db_text(stmt, 0, pool),
                                            .header_from = db_text(stmt, 1, pool),
                                            .source_ip = db_text(stmt, 2, pool),
                                            .disposition = db_text(stmt, 3, pool),
                                            .dkim = db_text(stmt, 4, pool),
                                            .spf = db_text(stmt, 5, pool),
                                            .n = (uint64_t)sqlite3_column_int64(stmt, 6),
                                            .reports = (uint64_t)sqlite3_column_int64(stmt, 7)};
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "feedback", err);
}
