/*
 * teach: accepted proposals on their way into the ledger.
 */
#ifndef POTERNE_REPORTS_TEACH_H
#define POTERNE_REPORTS_TEACH_H

#include "bayes/learn/learn_client.h"
#include "reports/store.h"

/*
 * Of what is due, at most TEACH_BATCH_MAX are learned and marked so, each with its first reporter
 * and its decider. Learning what was learned before (a process was killed in between) changes
 * nothing. TEACH_BATCH_MAX: there may be more to do at once; less: what is left, some that a cap
 * had held back, can wait a minute, so that trying them again never keeps a processor busy. -1 with
 * err: the learner or the store failed; they stay due.
 */
#define TEACH_BATCH_MAX 64
int proposals_teach(struct proposals *store, const struct conf *conf, int64_t now_us,
                    struct err *err);

#endif
