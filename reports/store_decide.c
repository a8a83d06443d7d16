/* store_decide: what managers decide, and what became of it in the ledger. */
#include <stdlib.h>

#include "reports/store_open.h"

/* --- changing many --- */

struct change {
    struct proposals *store;
    const struct proposal_decision *decision;
    bool ordered; /* … given some time ago: what was decided since stands */
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
    if (c->ordered && p->decided_us > decision->now_us) {
        c->decided->late++;
        return false;
    }
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

int store_decide(struct proposals *store, const uint64_t *numbers, size_t n,
                 const struct proposal_decision *decision, bool ordered,
                 struct proposal_decided *decided, struct err *err)
{
    struct change c = {.store = store,
                       .decision = decision,
                       .ordered = ordered,
                       .decided = decided,
                       .now_us = decision->now_us,
                       .err = err};
    return change_all(&c, numbers, n);
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
    int result = store_numbers(store, stmt, &found, &n, err);
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
