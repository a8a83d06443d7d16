/* store_sweep: what ends by itself. */
#include "reports/store_open.h"

#define SWEEP_MAX 200 /* at once: a sweep holds up reports for some milliseconds only */

static int find_old(struct proposals *store, const char *sql, int64_t before_us, uint64_t *numbers,
                    struct err *err)
{
    int code = SQLITE_ERROR, n = 0;
    sqlite3_stmt *stmt = store_prepare(store, sql, err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, before_us);
    sqlite3_bind_int64(stmt, 2, SWEEP_MAX);
    while (n < SWEEP_MAX && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        numbers[n++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE || code == SQLITE_ROW ? n
                                                     : store_index_fail(store, "cannot read", err);
}

/* Facts first: an original whose facts say "expired" is only taking room. */
static int expire(struct proposals *store, const uint64_t *numbers, int n, int64_t now_us,
                  struct str why, struct err *err)
{
    uint64_t staged[SWEEP_MAX] = {0};
    size_t n_staged = 0;
    for (int i = 0; i < n; i++) {
        struct proposal proposal;
        bool damaged;
        pool_reset(store->pool);
        int got = store_facts(store, numbers[i], store->pool, &proposal, &damaged, err);
        if (got < 0)
            return -1;
        if (got == 0)
            continue;
        proposal.state = PROPOSAL_EXPIRED;
        proposal.changed_us = now_us;
        proposal.why = why;
        proposal.kept = false;
        staged[n_staged++] = numbers[i];
        if (store_facts_stage(store, &proposal, err) < 0 ||
            store_index_put(store, &proposal, err) < 0)
            return -1;
    }
    if (store_facts_commit(store, staged, n_staged, err) < 0)
        return -1;
    for (size_t i = 0; i < n_staged; i++)
        if (store_original_drop(store, staged[i], err) < 0)
            return -1;
    return 0;
}

static int forget(struct proposals *store, const uint64_t *numbers, int n, struct err *err)
{
    for (int i = 0; i < n; i++)
        if (store_files_drop(store, numbers[i], err) < 0 ||
            store_index_drop(store, numbers[i], err) < 0)
            return -1;
    return 0;
}

static int sweep(struct proposals *store, const struct proposal_lifetimes *lifetimes,
                 int64_t now_us, struct err *err)
{
    uint64_t old[SWEEP_MAX];
    int expired = find_old(store,
                           "SELECT number FROM proposal WHERE state = 0 AND changed_us < ?1"
                           " ORDER BY number LIMIT ?2",
                           now_us - lifetimes->waiting_us, old, err);
    if (expired < 0 || expire(store, old, expired, now_us, STR("nobody decided in time"), err) < 0)
        return -1;
    int capped = find_old(store,
                          "SELECT number FROM proposal WHERE state = 2 AND decided_us < ?1"
                          " ORDER BY number LIMIT ?2",
                          now_us - lifetimes->waiting_us, old, err);
    if (capped < 0 ||
        expire(store, old, capped, now_us, STR("the model had enough of its kind"), err) < 0)
        return -1;
    int gone = find_old(store,
                        "SELECT number FROM proposal WHERE state IN (3, 4, 5) AND changed_us < ?1"
                        " ORDER BY number LIMIT ?2",
                        now_us - lifetimes->decided_us, old, err);
    if (gone < 0 || forget(store, old, gone, err) < 0)
        return -1;
    return expired + capped + gone;
}
_Static_assert(PROPOSAL_WAITING == 0 && PROPOSAL_CAPPED == 2 && PROPOSAL_LEARNED == 3 &&
                   PROPOSAL_REJECTED == 4 && PROPOSAL_EXPIRED == 5,
               "these stand in the SQL of this file");

int proposals_sweep(struct proposals *store, const struct proposal_lifetimes *lifetimes,
                    int64_t now_us, struct err *err)
{
    if (store_begin(store, err) < 0)
        return -1;
    int changed = sweep(store, lifetimes, now_us, err);
    return store_end(store, changed >= 0, err) < 0 ? -1 : changed;
}
