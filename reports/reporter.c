#include "reports/reporter.h"

#include <math.h>

#include "reports/store_open.h"

#define Z 1.959964 /* 97.5 % of a normal distribution lie below it */

/* --- Wilson --- */

static double wilson(uint64_t yes, uint64_t all, double side)
{
    double n = (double)all, p = (double)yes / n, z2 = Z * Z;
    double middle = p + z2 / (2 * n);
    double spread = Z * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    double bound = (middle + side * spread) / (1 + z2 / n);
    return bound < 0 ? 0 : bound > 1 ? 1 : bound;
}

double wilson_lower(uint64_t yes, uint64_t all)
{
    return all == 0 || yes > all ? 0 : wilson(yes, all, -1);
}

double wilson_upper(uint64_t yes, uint64_t all)
{
    return all == 0 || yes > all ? 1 : wilson(yes, all, 1);
}

static void sql_wilson(sqlite3_context *context, int n, sqlite3_value **values)
{
    double (*bound)(uint64_t, uint64_t) = sqlite3_user_data(context) ? wilson_upper : wilson_lower;
    uint64_t yes = (uint64_t)sqlite3_value_int64(values[0]);
    uint64_t no = (uint64_t)sqlite3_value_int64(values[n - 1]);
    sqlite3_result_double(context, bound(yes, yes + no));
}

int reporter_functions(sqlite3 *db)
{
    static char upper[] = "upper";
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function(db, "wilson_lower", 2, flags, NULL, sql_wilson, NULL, NULL) ==
            SQLITE_OK &&
        sqlite3_create_function(db, "wilson_upper", 2, flags, upper, sql_wilson, NULL, NULL) ==
            SQLITE_OK)
        return 0;
    return -1;
}

/* --- records --- */

/* Near-identical messages that were decided alike are one decision. */
#define DECISION                                                                                   \
    "CASE WHEN p.campaign <> 0 THEN 'c' || p.campaign || ':' || p.direction"                       \
    " ELSE 'n' || p.number END"

const char reporter_records[] =
    "(SELECT reporter, proposals, waiting, agreed, rejected, last_us,"
    " wilson_lower(agreed, rejected) AS trust, wilson_upper(agreed, rejected) AS trust_at_most"
    " FROM (SELECT r.reporter AS reporter, count(*) AS proposals,"
    "  sum(p.state = 0) AS waiting,"
    "  count(DISTINCT CASE WHEN p.state IN (1, 2, 3) THEN " DECISION " END) AS agreed,"
    "  count(DISTINCT CASE WHEN p.state = 4 THEN " DECISION " END) AS rejected,"
    "  max(r.time_us) AS last_us"
    " FROM report r JOIN proposal p USING (number) GROUP BY r.reporter))";
_Static_assert(PROPOSAL_WAITING == 0 && PROPOSAL_ACCEPTED == 1 && PROPOSAL_CAPPED == 2 &&
                   PROPOSAL_LEARNED == 3 && PROPOSAL_REJECTED == 4,
               "these stand in the SQL above");

static int read_row(sqlite3_stmt *stmt, struct pool *pool, struct reporter *r)
{
    *r = (struct reporter){.address = db_text(stmt, 0, pool)};
    r->proposals = (uint64_t)sqlite3_column_int64(stmt, 1);
    r->waiting = (uint64_t)sqlite3_column_int64(stmt, 2);
    r->agreed = (uint64_t)sqlite3_column_int64(stmt, 3);
    r->rejected = (uint64_t)sqlite3_column_int64(stmt, 4);
    r->last_us = sqlite3_column_int64(stmt, 5);
    r->trust = sqlite3_column_double(stmt, 6);
    r->trust_at_most = sqlite3_column_double(stmt, 7);
    return r->address.n || sqlite3_column_bytes(stmt, 0) == 0 ? 0 : -1;
}

static int read_rows(sqlite3_stmt *stmt, size_t limit, struct pool *pool,
                     struct reporter_list *found, struct err *err)
{
    size_t cap = 0;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (found->n == limit) {
            found->more = true;
            return 0;
        }
        struct reporter *list = pool_grow(pool, found->list, found->n, &cap, sizeof *list);
        if (list == NULL || read_row(stmt, pool, &list[found->n]) < 0)
            return err_set(err, "out of memory for reporters");
        found->list = list;
        found->n++;
    }
    return code == SQLITE_DONE ? 0 : db_fail(sqlite3_db_handle(stmt), "reporters", err);
}

int reporters_list(struct proposals *store, struct str address, size_t limit, struct pool *pool,
                   struct reporter_list *list, struct err *err)
{
    struct buf sql = BUF_INIT(4096);
    *list = (struct reporter_list){0};
    if (limit == 0 || limit > REPORTERS_MAX)
        limit = REPORTERS_MAX;
    buf_addf(&sql,
             "SELECT reporter, proposals, waiting, agreed, rejected, last_us, trust, trust_at_most"
             " FROM %s WHERE ?1 = '' OR reporter = ?1 COLLATE NOCASE"
             " ORDER BY trust DESC, trust_at_most DESC, proposals DESC, reporter",
             reporter_records);
    sqlite3_stmt *stmt = store_prepare(store, buf_cstr(&sql), err);
    buf_release(&sql);
    if (stmt == NULL)
        return -1;
    db_bind(stmt, 1, address);
    int result = read_rows(stmt, limit, pool, list, err);
    sqlite3_finalize(stmt);
    return result;
}
