/*
 * reporter: how often managers agreed with somebody. Counted from the proposals that are not
 * forgotten yet; near-identical messages that were decided alike are one decision, so that nobody
 * makes a record with one wave. For showing and ordering: nothing is ever learned because of it.
 */
#ifndef POTERNE_REPORTS_REPORTER_H
#define POTERNE_REPORTS_REPORTER_H

#include "reports/store.h"

struct reporter {
    struct str address;
    uint64_t proposals; /* all, decided or not */
    uint64_t waiting;
    uint64_t agreed;   /* decisions: accepted … */
    uint64_t rejected; /* … and rejected */
    int64_t last_us;   /* newest report */
    /* Between these the true share of agreement lies, with 95 %: 0 and 1 before any decision.
     * `trust` is the lower one. */
    double trust, trust_at_most;
};

/* Bounds of the Wilson score interval (E. B. Wilson 1927), 95 %. */
double wilson_lower(uint64_t yes, uint64_t all);
double wilson_upper(uint64_t yes, uint64_t all);

#define REPORTERS_MAX 10000

struct reporter_list {
    struct reporter *list; /* most trusted first, then those with the most proposals */
    size_t n;
    bool more;
};

/* All, or the one of that address; at most `limit` (0: REPORTERS_MAX). They live in pool. */
int reporters_list(struct proposals *store, struct str address, size_t limit, struct pool *pool,
                   struct reporter_list *list, struct err *err);

#endif
