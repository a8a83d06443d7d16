/*
 * ledger: what was learned, in Berkeley DB (transactional, recovery at open, one process: the
 * learner, which holds the lock). For each message: its class and features, so that it can be
 * taken back exactly; for each feature: spam, ham, day last seen. Models are built from it.
 *
 *   FOLDER/lock                  who holds it may open the ledger
 *   FOLDER/ledger/               the database environment: messages.db tokens.db totals.db log.*
 *   FOLDER/model-N, current      what was built; current is a symbolic link to one of them
 *   FOLDER/ledger.damaged-TIME   what could not be opened any more: moved there, never deleted
 *
 * A ledger that is new (or new because the old one was damaged) while a current model is there
 * starts from the model's counts: nothing of what the filter knows is lost, only which message it
 * came from, so those messages can't be taken back any more.
 */
#ifndef POTERNE_BAYES_LEDGER_H
#define POTERNE_BAYES_LEDGER_H

#include "bayes/learn.h"

#define LEDGER_MODELS_KEPT 5

struct ledger;

enum learn_result { LEARN_FAILED = -1, LEARN_DONE = 0, LEARN_KNOWN = 1 /* nothing to change */ };

/* FOLDER must exist. NULL with err "… locked by …" when another process has it. */
struct ledger *ledger_open(const char *folder, struct err *err);
void ledger_close(struct ledger **ledger);

struct ledger_item {
    uint64_t digest;
    enum learn_class class;
    const uint64_t *features; /* rising, each once, at most FEATURES_MAX; unused by LEARN_FORGET */
    size_t n;
    enum learn_result result; /* filled */
};

/*
 * Learns, or moves to the other class, or takes back, item by item, many in one transaction. 0 when
 * every item was done or known, else -1 with err for one that failed; the result of each that
 * failed is LEARN_FAILED, and nothing of it stays.
 */
int ledger_learn_batch(struct ledger *ledger, struct ledger_item *items, size_t n, struct err *err);
enum learn_result ledger_learn(struct ledger *ledger, uint64_t digest, enum learn_class class,
                               const uint64_t *features, size_t n, struct err *err);
/* What was learned so far survives a loss of power from here on (the end of this process it
 * survives without). */
int ledger_sync(struct ledger *ledger, struct err *err);

struct ledger_totals {
    uint64_t spam; /* messages, those of an earlier model included */
    uint64_t ham;
    uint64_t seeded_spam; /* of these: taken over from a model, not known one by one */
    uint64_t seeded_ham;
    uint64_t generation; /* last published; 0: none */
};
struct ledger_totals ledger_totals(const struct ledger *ledger);
/* Nothing but closing is left: the next open recovers it, or sets it aside. */
bool ledger_broken(const struct ledger *ledger);
/* Has anything changed since the last publication? */
bool ledger_changed(const struct ledger *ledger);

/* What is known of one token or one message; false when it is not there. -1 on an error. */
struct ledger_token {
    uint32_t spam;
    uint32_t ham;
    uint32_t day; /* last seen, days since 1970 */
};
int ledger_token(struct ledger *ledger, uint64_t feature, struct ledger_token *token,
                 struct err *err);
int ledger_message(struct ledger *ledger, uint64_t digest, enum learn_class *class,
                   struct err *err);

/*
 * Builds FOLDER/model-GENERATION beside, opens it as a check, then renames FOLDER/current (a
 * symbolic link) to it; keeps the last LEDGER_MODELS_KEPT. Returns the generation or -1.
 */
int64_t ledger_publish(struct ledger *ledger, struct err *err);

#endif
