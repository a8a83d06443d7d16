/* What others report to us: kept and found (feedback.h). */
#include "journal/feedback.h"

#include "journal/query_open.h"
#include "journal/store_open.h"

#define DROP_REPORTS 100   /* at once: a sweep is short */
#define DROP_ROWS    20000 /* … and then no further report */

/* --- taken --- */

enum kind { OF_DMARC = 1, OF_TLS = 2 };

/* Of a row of a report, and of the report if it is new. */
struct taken {
    const struct event_report *report;
    enum kind kind;
    struct str domain, policy;
    enum store_statement row; /* bound from BEHIND_KEY on */
    size_t texts;             /* bytes */
};
#define BEHIND_KEY 6

static void bind_key(sqlite3_stmt *stmt, const struct taken *t)
{
    db_bind(stmt, 1, t->report->org);
    db_bind(stmt, 2, t->report->report_id);
    sqlite3_bind_int64(stmt, 3, (int64_t)t->report->digest);
    sqlite3_bind_int(stmt, 4, t->kind);
    db_bind(stmt, 5, t->report->signer);
}

static int apply_report(struct journal_store *store, const struct taken *t, struct err *err)
{
    const struct event_report *e = t->report;
    sqlite3_stmt *report = store->sql[STORE_FEEDBACK];
    sqlite3_bind_int64(report, 1, e->time_us);
    db_bind(report, 2, e->message);
    db_bind(report, 3, e->org);
    db_bind(report, 4, e->email);
    db_bind(report, 5, e->report_id);
    sqlite3_bind_int64(report, 6, (int64_t)e->digest);
    db_bind(report, 7, t->domain);
    db_bind(report, 8, t->policy);
    sqlite3_bind_int64(report, 9, e->begin_s);
    sqlite3_bind_int64(report, 10, e->end_s);
    sqlite3_bind_int64(report, 11,
                       store_row_bytes(e->message.n + e->email.n + t->domain.n + t->policy.n) +
                           2 * store_row_bytes(e->org.n + e->report_id.n + e->signer.n));
    sqlite3_bind_int(report, 12, t->kind);
    db_bind(report, 13, e->signer);
    return store_run(store, STORE_FEEDBACK, err);
}

/* The statement of its row is bound, but for the key. */
static int apply(struct journal_store *store, const struct taken *t, struct err *err)
{
    if (apply_report(store, t, err) < 0)
        return -1;
    bind_key(store->sql[t->row], t);
    if (store_run(store, t->row, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return 0;
    sqlite3_stmt *grown = store->sql[STORE_FEEDBACK_GROWN];
    bind_key(grown, t);
    sqlite3_bind_int64(grown, BEHIND_KEY, store_row_bytes(t->texts));
    return store_run(store, STORE_FEEDBACK_GROWN, err);
}

static size_t bind_texts(sqlite3_stmt *row, const struct str *texts, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        db_bind(row, BEHIND_KEY + 2 + (int)i, texts[i]);
        bytes += texts[i].n;
    }
    return bytes;
}

int feedback_apply(struct journal_store *store, const struct event_feedback *e, struct err *err)
{
    const struct str texts[] = {e->source_ip, e->disposition, e->dkim,          e->spf,
                                e->override,  e->header_from, e->envelope_from, e->results};
    struct taken t = {.report = &e->report,
                      .kind = OF_DMARC,
                      .domain = e->domain,
                      .policy = e->policy,
                      .row = STORE_FEEDBACK_ROW};
    sqlite3_stmt *row = store->sql[t.row];
    sqlite3_bind_int64(row, BEHIND_KEY, e->index);
    sqlite3_bind_int64(row, BEHIND_KEY + 1, (int64_t)e->n);
    t.texts = bind_texts(row, texts, sizeof texts / sizeof *texts);
    return apply(store, &t, err);
}

int feedback_apply_tls(struct journal_store *store, const struct event_tls_feedback *e,
                       struct err *err)
{
    const struct str texts[] = {e->domain,       e->policy_type,  e->result, e->sending_ip,
                                e->receiving_mx, e->receiving_ip, e->reason};
    struct taken t = {.report = &e->report,
                      .kind = OF_TLS,
                      .domain = e->domain,
                      .row = STORE_FEEDBACK_TLS_ROW};
    sqlite3_stmt *row = store->sql[t.row];
    sqlite3_bind_int64(row, BEHIND_KEY, e->index);
    sqlite3_bind_int64(row, BEHIND_KEY + 1, (int64_t)e->n);
    t.texts = bind_texts(row, texts, sizeof texts / sizeof *texts);
    return apply(store, &t, err);
}

/* --- forgotten --- */

static int drop_oldest(struct journal_store *store, int64_t before_us, int64_t bytes_max,
                       int64_t *rows, struct err *err)
{
    static const enum store_statement drops[] = {STORE_FEEDBACK_DROP_ROWS,
                                                 STORE_FEEDBACK_DROP_TLS_ROWS, STORE_FEEDBACK_DROP};
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
    for (int i = 0; i < DROP_REPORTS && before < *rows && *rows < begun + DROP_ROWS; i++) {
        before = *rows;
        if (drop_oldest(store, before_us, bytes_max, rows, err) < 0)
            return -1;
    }
    return 0;
}

/* --- summed up --- */

/* ?1 domain, ?2 and ?3 when it begins, ?4 at most so many. */
static sqlite3_stmt *filtered(struct journal *journal, const struct feedback_filter *filter,
                              const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = db_prepare(journal->db, sql, err);
    if (stmt == NULL)
        return NULL;
    db_bind(stmt, 1, filter->domain);
    sqlite3_bind_int64(stmt, 2, filter->from_s);
    sqlite3_bind_int64(stmt, 3, filter->to_s);
    sqlite3_bind_int64(stmt, 4, (int64_t)filter->limit);
    return stmt;
}

/* `code`: of its last step; SQLITE_ROW: there was no memory for the row. */
static int end(struct journal *journal, sqlite3_stmt *stmt, int code, struct err *err)
{
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "feedback", err);
}

int feedback_sums(struct journal *journal, const struct feedback_filter *filter, struct pool *pool,
                  struct feedback_sum **sums, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *sums = NULL;
    *n = 0;
    sqlite3_stmt *stmt = filtered(
        journal, filter,
        "SELECT f.domain, r.header_from, r.source_ip, r.disposition, r.dkim, r.spf, sum(r.n),"
        " count(DISTINCT f.no) FROM feedback f JOIN feedback_row r ON r.report = f.no"
        " WHERE (?1 = '' OR f.domain = ?1) AND f.begin_s >= ?2 AND (?3 = 0 OR f.begin_s < ?3)"
        " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 7 DESC, 1, 2, 3, 4, 5, 6 LIMIT ?4",
        err);
    if (stmt == NULL)
        return -1;
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
    return end(journal, stmt, code, err);
}

int feedback_tls_sums(struct journal *journal, const struct feedback_filter *filter,
                      struct pool *pool, struct feedback_tls_sum **sums, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *sums = NULL;
    *n = 0;
    sqlite3_stmt *stmt = filtered(
        journal, filter,
        "SELECT r.domain, r.policy_type, r.result, r.receiving_mx, f.signer, max(r.reason),"
        " sum(r.n), count(DISTINCT f.no) FROM feedback f JOIN tls_feedback_row r"
        " ON r.report = f.no WHERE (?1 = '' OR r.domain = ?1) AND f.begin_s >= ?2"
        " AND (?3 = 0 OR f.begin_s < ?3)"
        " GROUP BY 1, 2, 3, 4, 5 ORDER BY r.result = '', 7 DESC, 1, 2, 3, 4, 5 LIMIT ?4",
        err);
    if (stmt == NULL)
        return -1;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct feedback_tls_sum *all = pool_grow(pool, *sums, *n, &cap, sizeof *all);
        if (all == NULL)
            break;
        *sums = all;
        all[(*n)++] = (struct feedback_tls_sum){.domain = db_text(stmt, 0, pool),
                                                .policy_type = db_text(stmt, 1, pool),
                                                .result = db_text(stmt, 2, pool),
                                                .receiving_mx = db_text(stmt, 3, pool),
                                                .signer = db_text(stmt, 4, pool),
                                                .reason = db_text(stmt, 5, pool),
                                                .n = (uint64_t)sqlite3_column_int64(stmt, 6),
                                                .reports = (uint64_t)sqlite3_column_int64(stmt, 7)};
    }
    return end(journal, stmt, code, err);
}
