/*
 * ledger_export: all that was learned as portable text (portable.h), and back. What other filters
 * learned is first made such a text (import.h), by whoever wants it, not by the learner.
 */
#ifndef POTERNE_BAYES_LEDGER_EXPORT_H
#define POTERNE_BAYES_LEDGER_EXPORT_H

#include "bayes/ledger/ledger.h"
#include "bayes/transfer/import_summary.h"

/* The fd stands at its beginning and stays open; path is for messages. */
int ledger_export(struct ledger *ledger, int fd, const char *path, struct err *err);

/*
 * Adds what is in the portable text to what is there, in one transaction: whole, or -1 and not at
 * all. The messages behind it can't be taken back one by one: they are "seeded". Weights and fusion
 * are taken over only into a ledger that has learned none: two sums of steps make no better one.
 */
int ledger_import(struct ledger *ledger, int fd, const char *path, struct import_summary *summary,
                  struct err *err);

#endif
