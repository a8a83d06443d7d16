/*
 * ledger: what was learned, in Berkeley DB (transactional, recovery at open, one process: the
 * learner, which holds the lock). For each message: its class, what it added to what was learned
 * (tokens, grams and their step, steps of the fusion: all integers) and who said so, so that it
 * can be taken back exactly; for each token: spam, ham, day last seen. Models are built from it.
 *
 *   FOLDER/lock                  who holds it may open the ledger
 *   FOLDER/ledger/               the database environment (ledger/db.h) and the weights
 *   FOLDER/model-N, current      what was built; current is a symbolic link to one of them
 *   FOLDER/ledger.damaged-TIME   what could not be opened any more: moved there, never deleted
 *
 * A lesson (lesson.h) is made from what was learned just before it, also within a batch: the
 * order of the items decides the result, the size of the batches does not.
 *
 * A ledger that is damaged is rebuilt: from its messages as far as they can be read, and from the
 * current model for what they can't tell. A ledger that is new while a current model is there
 * starts from the model's counts: nothing of what the filter knows is lost, only which message it
 * came from, so those messages can't be taken back any more ("seeded").
 */
#ifndef POTERNE_BAYES_LEDGER_LEDGER_H
#define POTERNE_BAYES_LEDGER_LEDGER_H

#include "base/conf.h"
#include "bayes/learn/learn.h"

#define LEDGER_HELD_MAX   5000 /* held-out messages of a class; the oldest leaves */
#define LEDGER_HELD_AFTER 200  /* learned messages of its class before the first is held out */

/* What a source may teach whatever its share: messages of one class. */
#define LEDGER_REPORTER_FREE 200
#define LEDGER_DAY_FREE      200
#define LEDGER_CAMPAIGN_FREE 50

struct ledger;

enum learn_result {
    LEARN_FAILED = -1,
    LEARN_DONE = 0,
    LEARN_KNOWN = 1, /* nothing to change */
    LEARN_CAPPED = 2 /* its source has taught its share: nothing is changed */
};

/* FOLDER must exist. NULL with err "… locked by …" when another process has it. */
struct ledger *ledger_open(const char *folder, struct err *err);
void ledger_close(struct ledger **ledger);

/*
 * The share of the messages of a class that one reporter, all reports of one day, or one campaign
 * may have taught, in percent (0: no cap); beyond that more of it is LEARN_CAPPED. Reporter and
 * day count for LEARN_BY_MANAGER and LEARN_BY_PROPOSAL, the campaign for all kinds but
 * LEARN_BY_SENT. One in hold_out messages (0: none) is held out. A ledger just opened has all 0.
 */
struct ledger_policy {
    unsigned reporter_share;
    unsigned day_share;
    unsigned campaign_share;
    unsigned hold_out;
};
void ledger_policy_set(struct ledger *ledger, const struct ledger_policy *policy);
struct ledger_policy ledger_policy_of(const struct conf *conf);

enum ledger_cap { LEDGER_CAP_NONE, LEDGER_CAP_REPORTER, LEDGER_CAP_DAY, LEDGER_CAP_CAMPAIGN };

struct ledger_item {
    uint64_t digest;
    enum learn_class class;
    const uint64_t *features; /* rising, each once, at most FEATURES_MAX; unused by LEARN_FORGET */
    size_t n;
    enum learn_result result; /* filled */
    const uint32_t *grams;    /* rising, each once, at most GRAMS_MAX */
    size_t n_grams;
    struct learn_source source;
    enum ledger_cap cap; /* filled: which one, of LEARN_CAPPED */
};

/* In words, for who taught it. */
const char *ledger_cap_text(enum ledger_cap cap);
enum learn_answer ledger_answer(enum learn_result result);

/*
 * Learns, or moves to the other class, or takes back, item by item, many in one transaction. 0 when
 * every item was done, known or capped, else -1 with err for one that failed; the result of each
 * that failed is LEARN_FAILED, and nothing of it stays.
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
    uint64_t seeded_spam; /* of these: taken over, imported or settled, not known one by one */
    uint64_t seeded_ham;
    uint64_t generation; /* last published; 0: none */
    uint64_t held_spam;  /* held out: in none of the above */
    uint64_t held_ham;
};
struct ledger_totals ledger_totals(const struct ledger *ledger);
/* Nothing but closing is left: the next open recovers it, or rebuilds it. */
bool ledger_broken(const struct ledger *ledger);
/* Has anything changed since the last publication? */
bool ledger_changed(const struct ledger *ledger);

/* What is known of one token or one message; 0 when it is not there. -1 on an error. */
struct ledger_token {
    uint32_t spam;
    uint32_t ham;
    uint32_t day; /* last seen, days since 1970 */
};
int ledger_token(struct ledger *ledger, uint64_t feature, struct ledger_token *token,
                 struct err *err);
int ledger_message(struct ledger *ledger, uint64_t digest, enum learn_class *class,
                   struct err *err);

/* Which of the messages are of that class already (LEARN_FORGET: are not known), as LEARN_ASK
 * answers. */
int ledger_ask(struct ledger *ledger, enum learn_class class, const uint64_t *digests, size_t n,
               char *answers, struct err *err);

/* Where a message's class comes from. */
struct ledger_taught {
    enum learn_class class;
    enum learn_kind kind;
    int64_t when; /* seconds since 1970 */
    uint64_t campaign;
    bool held;                             /* held out: not trained on */
    bool settled;                          /* too long ago to be taken back */
    char reporter[LEARN_REPORTER_MAX + 1]; /* valid UTF-8 is not promised */
};
int ledger_taught(struct ledger *ledger, uint64_t digest, struct ledger_taught *taught,
                  struct err *err);

/* A number over all that was learned: counts, weights, fusion, sources, totals and messages (of
 * them not when they were learned); equal for equal ledgers. For tests and checks: reads it all. */
int ledger_sum(struct ledger *ledger, uint64_t *sum, struct err *err);

/*
 * Held-out messages, the oldest of each class first. The lists live until the next one. A result
 * of `each` other than 0 ends the walk and is its result.
 */
struct ledger_held {
    uint64_t digest;
    enum learn_class class;
    int64_t when;
    const uint64_t *features;
    size_t n;
    const uint32_t *grams;
    size_t n_grams;
};
int ledger_held_out(struct ledger *ledger,
                    int (*each)(void *data, const struct ledger_held *held, struct err *err),
                    void *data, struct err *err);

/*
 * What nobody has met for `days`: a message learned before that is settled (what it taught stays,
 * its record keeps only its class: it can't be taken back any more), and then a token last seen
 * before that goes, which no message that can be taken back still holds. Nothing happens until
 * LEDGER_EXPIRE_RECENT messages of each class were learned since: a ledger that nobody teaches is
 * not emptied. A call does a bounded part; 1: there is more to do, call again soon; 0: done for
 * today; -1 error.
 */
#define LEDGER_EXPIRE_RECENT 500
int ledger_expire(struct ledger *ledger, unsigned days, int64_t now, struct err *err);

/*
 * Puts what was learned into service if the guard lets it (publish.h says more). Returns the
 * generation that is in service then, the former one if the new one was refused, or -1.
 */
int64_t ledger_publish(struct ledger *ledger, struct err *err);

/* Who has taught most since `since` (seconds since 1970), held-out messages included. name "": it
 * was taught in bulk, by nobody in particular; neither spam nor ham: nothing was. Reads the whole
 * ledger. */
struct ledger_teacher {
    char name[LEARN_REPORTER_MAX + 1];
    uint64_t spam, ham; /* messages */
};
#define LEDGER_TEACHERS_MAX 1000 /* that are told apart */
int ledger_teacher(struct ledger *ledger, int64_t since, struct ledger_teacher *most,
                   struct err *err);

#endif
