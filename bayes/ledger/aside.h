/*
 * ledger_aside: a damaged ledger is kept as FOLDER/ledger.damaged-TIME while a new one is built
 * from it. FOLDER/rebuild says that this is under way, and from which folder: a process that ends
 * in the middle leaves a new ledger that is not all there, which the next one throws away. The
 * ASIDE_KEPT newest damaged ones are kept.
 */
#ifndef POTERNE_BAYES_LEDGER_ASIDE_H
#define POTERNE_BAYES_LEDGER_ASIDE_H

#include "bayes/ledger/db.h"

#define ASIDE_ATTEMPTS 3 /* to build a new one from what is left, that end the process */
#define ASIDE_KEPT     3

struct aside {
    char path[PATH_MAX]; /* of the damaged one */
    unsigned attempts;   /* this one included */
};

/* Was a new ledger being built? 1: yes, and the place for it is empty again; 0; -1. */
int aside_unfinished(struct ledger *ledger, struct aside *aside, struct err *err);
/* Moves FOLDER/ledger away. */
int aside_set(struct ledger *ledger, struct aside *aside, struct err *err);
/* The attempt failed in an orderly way (a full disk, say): it does not count. */
void aside_failed(struct ledger *ledger, const struct aside *aside);
/* The new one is all there. Damaged ones of long ago are removed. */
int aside_done(struct ledger *ledger, struct err *err);

#endif
