/* store_decide: what managers decide, and what became of it in the ledger. */
#include <stdlib.h>

#include "reports/store_open.h"

/* --- which ones --- */

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
    const char *sql = single ? "INSERT OR REPLACE INTO temp.chosen VALUES (?1, 1)"
                             : "INSERT OR IGNORE INTO temp.chosen SELECT number, 0 FROM proposal"
                               " WHERE state = 0 AND number BETWEEN ?1 AND ?2";
    if (choose(store, sql, numbers, single ? 1 : 2, STR_EMPTY, err) < 0)
        return -1;
    if (!choice->groups)
        return 0;
    return choose(store,
                  "INSERT OR IGNORE INTO temp.chosen SELECT q.number, 0 FROM proposal p"
                  " JOIN proposal q ON q.campaign = p.campaign AND q.state = 0"
                  " AND q.direction = p.direction AND q.identity = p.identity"
                  " WHERE p.number BETWEEN ?1 AND ?2 AND p.campaign <> 0 AND q.number <= ?3",
                  numbers, 3, STR_EMPTY, err);
}

/* All of a reporter that a decision can still change: what is rejected may be accepted already, and
 * wait for the ledger only. */
static int choose_reporter(struct proposals *store, struct str reporter, bool accept,
                           struct err *err)
{
    const int64_t last = accept ? PROPOSAL_WAITING : PROPOSAL_CAPPED;
    return choose(store,
                  "INSERT OR IGNORE INTO temp.chosen SELECT number, 0 FROM report"
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

/* Numbers from a statement of one column, *numbers to be freed; finalizes. */
static int numbers_of(struct proposals *store, sqlite3_stmt *stmt, uint64_t **numbers, size_t *n,
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

/* --- changing many --- */

struct change {
    struct proposals *store;
    const struct proposal_decision *decision;
    const struct proposal_taught *taught; /* instead of a decision: what came of `taught_n` */
    size_t n_taught;
    struct proposal_decided *decided;
    uint64_t *changed; /* numbers whose facts are staged */
    size_t n_changed;
    int64_t now_us;
    struct err *err;
};

enum decided { CHANGES, SAME, LATE };

static enum decided decide_one(const struct proposal *p, bool accept)
{
    if (p->state == PROPOSAL_EXPIRED)
        return LATE;
    if (accept && p->state != PROPOSAL_WAITING && p->state != PROPOSAL_REJECTED)
        return SAME;
    if (accept)
        return p->kept ? CHANGES : LATE;
    if (p->state == PROPOSAL_LEARNED)
        return LATE;
    return p->state == PROPOSAL_REJECTED ? SAME : CHANGES;
}

/* True: `p` was changed as decided, and is to be written. */
static bool apply_decision(struct change *c, struct proposal *p)
{
    const struct proposal_decision *decision = c->decision;
    switch (decide_one(p, decision->accept)) {
    case CHANGES:
        break;
    case SAME:
        c->decided->same++;
        return false;
    case LATE:
        c->decided->late++;
        return false;
    }
    p->state = decision->accept ? PROPOSAL_ACCEPTED : PROPOSAL_REJECTED;
    p->changed_us = p->decided_us = decision->now_us;
    p->decider = decision->decider;
    p->why = decision->why;
    c->decided->changed++;
    return true;
}

/* What came of one that was accepted; somebody may have rejected it meanwhile, but it is learned.
 */
static bool apply_taught(const struct change *c, struct proposal *p)
{
    const struct proposal_taught *taught = NULL;
    for (size_t i = 0; i < c->n_taught; i++)
        if (c->taught[i].number == p->number)
            taught = &c->taught[i];
    bool open = p->state == PROPOSAL_ACCEPTED || p->state == PROPOSAL_CAPPED;
    if (taught == NULL || (!open && taught->state != PROPOSAL_LEARNED))
        return false;
    p->state = taught->state;
    p->changed_us = c->now_us;
    p->why = taught->why.n ? taught->why : p->why;
    return true;
}

/* Facts of one written beside, when they change. */
static int stage_one(struct change *c, uint64_t number)
{
    struct proposal proposal;
    bool damaged;
    pool_reset(c->store->pool);
    int got = store_facts(c->store, number, c->store->pool, &proposal, &damaged, c->err);
    if (got < 0)
        return -1;
    if (got == 0) {
        c->decided->missing++;
        return 0;
    }
    bool changes = c->decision ? apply_decision(c, &proposal) : apply_taught(c, &proposal);
    if (!changes)
        return 0;
    c->changed[c->n_changed++] = number;
    /* In one transaction with all others: the rows count once the facts do. */
    if (store_facts_stage(c->store, &proposal, c->err) < 0)
        return -1;
    return store_index_put(c->store, &proposal, c->err);
}

static int change_all(struct change *c, const uint64_t *numbers, size_t n)
{
    c->changed = calloc(n + 1, sizeof *c->changed);
    if (c->changed == NULL)
        return err_set(c->err, "out of memory for numbers");
    int result = 0;
    for (size_t i = 0; result == 0 && i < n; i++)
        result = stage_one(c, numbers[i]);
    if (result == 0)
        result = store_facts_commit(c->store, c->changed, c->n_changed, c->err);
    free(c->changed);
    return result;
}

int proposals_decide(struct proposals *store, const struct proposal_choice *choice,
                     const struct proposal_decision *decision, struct proposal_decided *decided,
                     struct err *err)
{
    struct change c = {.store = store,
                       .decision = decision,
                       .decided = decided,
                       .now_us = decision->now_us,
                       .err = err};
    uint64_t *numbers = NULL;
    size_t n;
    *decided = (struct proposal_decided){0};
    if (store_begin(store, err) < 0)
        return -1;
    int result = choose_all(store, choice, decision->accept, err);
    if (result == 0)
        result =
            numbers_of(store,
                       store_prepare(store, "SELECT number FROM temp.chosen ORDER BY number", err),
                       &numbers, &n, err);
    if (result == 0)
        result = change_all(&c, numbers, n);
    free(numbers);
    return store_end(store, result == 0, err);
}

/* --- learned --- */

int proposals_due(struct proposals *store, int64_t now_us, uint64_t *numbers, size_t max,
                  struct err *err)
{
    uint64_t *found;
    size_t n;
    sqlite3_stmt *stmt = store_prepare(store,
                                       "SELECT number FROM proposal WHERE state = 1"
                                       " OR (state = 2 AND changed_us <= ?1)"
                                       " ORDER BY state, changed_us, number LIMIT ?2",
                                       err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, now_us - PROPOSALS_CAPPED_RETRY_US);
        sqlite3_bind_int64(stmt, 2, (int64_t)max);
    }
    int result = numbers_of(store, stmt, &found, &n, err);
    if (result == 0 && n)
        memcpy(numbers, found, n * sizeof *numbers);
    free(found);
    return result < 0 ? -1 : (int)n;
}
_Static_assert(PROPOSAL_WAITING == 0 && PROPOSAL_ACCEPTED == 1 && PROPOSAL_CAPPED == 2,
               "these stand in the SQL of this file");

int proposals_taught(struct proposals *store, const struct proposal_taught *taught, size_t n,
                     int64_t now_us, struct err *err)
{
    struct proposal_decided ignored = {0};
    struct change c = {.store = store,
                       .taught = taught,
                       .n_taught = n,
                       .decided = &ignored,
                       .now_us = now_us,
                       .err = err};
    uint64_t *numbers = calloc(n + 1, sizeof *numbers);
    if (numbers == NULL)
        return err_set(err, "out of memory for numbers");
    for (size_t i = 0; i < n; i++)
        numbers[i] = taught[i].number;
    int result = store_begin(store, err);
    if (result == 0) {
        result = change_all(&c, numbers, n);
        result = store_end(store, result == 0, err);
    }
    free(numbers);
    return result;
}
