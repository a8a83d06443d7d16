/*
 * ledger_counts: the counts of tokens that a transaction looks at and changes: each is read once
 * from tokens.db, changed in memory, and written back once, in the order of the tree.
 */
#ifndef POTERNE_BAYES_LEDGER_COUNTS_H
#define POTERNE_BAYES_LEDGER_COUNTS_H

#include "bayes/ledger/db.h"

struct count {
    uint64_t feature;
    struct token_record now;
    struct token_record before; /* as it is in tokens.db; both counts 0: not there */
    bool used;
};

/* All 0 is an empty one. */
struct counts {
    struct count *slots; /* a hash table */
    size_t cap;          /* a power of two */
    size_t n;
};

void counts_free(struct counts *counts);
void counts_clear(struct counts *counts);

/* The counts of features, which rise, into list. 0, or -1 with err. */
int counts_get(struct counts *counts, struct ledger *ledger, DB_TXN *txn, const uint64_t *features,
               size_t n, struct model_counts *list, struct err *err);

/* The features, which counts_get() was asked for before, are `step` (1 or -1) times more in the
 * class. A day of 0 leaves the day as it is. */
int counts_add(struct counts *counts, struct ledger *ledger, const uint64_t *features, size_t n,
               enum learn_class class, int32_t step, uint32_t day, struct err *err);

/* The counts of the feature, which counts_get() was asked for before, are at least these. */
void counts_raise(struct counts *counts, uint64_t feature, struct model_counts least, uint32_t day);

/* Writes what has changed. Only clearing or freeing is left afterwards. */
int counts_put(struct counts *counts, struct ledger *ledger, DB_TXN *txn, struct err *err);

#endif
