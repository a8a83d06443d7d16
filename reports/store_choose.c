/* store_choose: which proposals a decision means. */
#include <stdlib.h>

#include "reports/store_open.h"

static int choose(struct proposals *store, const char *sql, const int64_t *numbers, size_t n,
                  struct str text, struct err *err)
{
    sqlite3_stmt *stmt = store_prepare(store, sql, err);
    if (stmt == NULL)
        return -1;
    for (size_t i = 0; i < n; i++)
        sqlite3_bind_int64(stmt, (int)i + 1, numbers[i]);
    if (text.n)
        db_bind(stmt, (int)n + 1, text);
    return store_run(store, stmt, err);
}

static int choose_range(struct proposals *store, const struct proposal_choice *choice,
                        const struct proposal_range *range, struct err *err)
{
    const int64_t most = INT64_MAX;
    const int64_t numbers[] = {range->first > INT64_MAX ? most : (int64_t)range->first,
                               range->last > INT64_MAX ? most : (int64_t)range->last,
                               choice->up_to && choice->up_to < INT64_MAX ? (int64_t)choice->up_to
                                                                          : most};
    bool single = range->first == range->last && !choice->waiting;
    const char *sql = single ? "INSERT OR IGNORE INTO temp.chosen VALUES (?1)"
                             : "INSERT OR IGNORE INTO temp.chosen SELECT number FROM proposal"
                               " WHERE state = 0 AND number BETWEEN ?1 AND ?2";
    if (choose(store, sql, numbers, single ? 1 : 2, STR_EMPTY, err) < 0)
        return -1;
    if (!choice->groups)
        return 0;
    return choose(store,
                  "INSERT OR IGNORE INTO temp.chosen SELECT q.number"
                  " FROM (SELECT DISTINCT campaign, direction, identity FROM proposal"
                  "  WHERE number BETWEEN ?1 AND ?2 AND campaign <> 0) p"
                  " JOIN proposal q ON q.campaign = p.campaign AND q.state = 0"
                  " AND q.direction = p.direction AND q.identity = p.identity"
                  " WHERE q.number <= ?3",
                  numbers, 3, STR_EMPTY, err);
}

/* All of a reporter that a decision can still change: what is rejected may be accepted already, and
 * wait for the ledger only. */
static int choose_reporter(struct proposals *store, struct str reporter, bool accept,
                           struct err *err)
{
    const int64_t last = accept ? PROPOSAL_WAITING : PROPOSAL_CAPPED;
    return choose(store,
                  "INSERT OR IGNORE INTO temp.chosen SELECT number FROM report"
                  " JOIN proposal USING (number) WHERE state BETWEEN 0 AND ?1"
                  " AND report.reporter = ?2",
                  &last, 1, reporter, err);
}

/* Into the table temp.chosen. */
static int choose_all(struct proposals *store, const struct proposal_choice *choice, bool accept,
                      struct err *err)
{
    if (choose(store, "DELETE FROM temp.chosen", NULL, 0, STR_EMPTY, err) < 0)
        return -1;
    for (size_t i = 0; i < choice->n_ranges; i++)
        if (choose_range(store, choice, &choice->ranges[i], err) < 0)
            return -1;
    if (choice->reporter.n == 0)
        return 0;
    return choose_reporter(store, choice->reporter, accept, err);
}

int store_numbers(struct proposals *store, sqlite3_stmt *stmt, uint64_t **numbers, size_t *n,
                  struct err *err)
{
    size_t cap = 0;
    int code = SQLITE_ERROR;
    *numbers = NULL;
    *n = 0;
    while (stmt && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            uint64_t *more = reallocarray(*numbers, cap, sizeof **numbers);
            if (more == NULL) {
                sqlite3_finalize(stmt);
                return err_set(err, "out of memory for numbers");
            }
            *numbers = more;
        }
        (*numbers)[(*n)++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_DONE)
        return 0;
    return stmt ? store_index_fail(store, "cannot read", err) : -1;
}

int store_choose(struct proposals *store, const struct proposal_choice *choice, bool accept,
                 uint64_t **numbers, size_t *n, struct err *err)
{
    *numbers = NULL;
    *n = 0;
    if (choose_all(store, choice, accept, err) < 0)
        return -1;
    return store_numbers(store,
                         store_prepare(store, "SELECT number FROM temp.chosen ORDER BY number",
                                       err),
                         numbers, n, err);
}
_Static_assert(PROPOSAL_WAITING == 0, "this stands in the SQL of this file");
