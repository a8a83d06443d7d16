/*
 * ledger: what was learned, in Berkeley DB (transactional, recovery at open, one process: the
 * learner, which holds the lock). For each message: its class and features, so that it can be
 * taken back exactly; for each feature: spam, ham, last seen. Models are built from it.
 */
#ifndef POTERNE_BAYES_LEDGER_H
#define POTERNE_BAYES_LEDGER_H

#include "bayes/bayes.h"

struct ledger;

enum learn_class { LEARN_HAM, LEARN_SPAM, LEARN_FORGET };
enum learn_result { LEARN_FAILED = -1, LEARN_DONE = 0, LEARN_KNOWN = 1 /* nothing to change */ };

/* folder is bayes/; -1/NULL with err "… locked by …" when another process has it. */
struct ledger *ledger_open(const char *folder, struct err *err);
void ledger_close(struct ledger **ledger);
/* Learns, or moves to the other class, or takes back, in one transaction. */
enum learn_result ledger_learn(struct ledger *ledger, uint64_t digest, enum learn_class class,
                               const uint64_t *features, size_t n, struct err *err);
/* Durable from here on. */
int ledger_sync(struct ledger *ledger, struct err *err);

/*
 * Builds bayes/model-GENERATION beside, checks it, then renames bayes/current (a symbolic link)
 * to it; keeps the last few. Returns the generation or -1.
 */
int64_t ledger_publish(struct ledger *ledger, struct err *err);

#endif
