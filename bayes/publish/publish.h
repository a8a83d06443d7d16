/*
 * publish: from the ledger to the model in service, and back. Nothing goes live that the guard
 * (guard.h) does not let; what became of each generation is noted (generations.h).
 */
#ifndef POTERNE_BAYES_PUBLISH_PUBLISH_H
#define POTERNE_BAYES_PUBLISH_PUBLISH_H

#include "bayes/ledger/ledger.h"
#include "bayes/publish/generations.h"

/* Held-out messages of a class that a comparison takes, the newest: bounds its time. */
#define PUBLISH_HELD_MAX 2500

enum publish_result {
    PUBLISH_FAILED = -1,
    PUBLISH_LIVE = 0,
    PUBLISH_REFUSED = 1, /* made->why says why; the one in service stays */
    PUBLISH_HELD = 2,    /* nothing was built: something was rolled back and nothing done since */
};

/*
 * Builds FOLDER/model-N beside, opens it as a check, compares it with the one in service on the
 * held-out mail (or, when something was taken back, with the last one that has proved itself); then
 * `current` names it, or it is kept as refused and who taught most is named. Only
 * LEARN_PUBLISH_CHANGED waits after a rollback; LEARN_PUBLISH_FORCED goes live whatever is said
 * against it. Where nothing usable is in service the newest former one that is usable takes that
 * place first; without any, there is nothing to compare with. *made: what was built; PUBLISH_HELD
 * fills only why.
 */
enum publish_result publish_model(struct ledger *ledger, enum learn_publish how,
                                  struct generation *made, struct err *err);

/*
 * Takes the model in service out of service: `to` serves again, or, for 0, the last one that has
 * proved itself, or the newest former one. One rename, durable. `why` is noted for the one that is
 * taken out. Nothing is published by itself for a while (struct trial). *out: the one that was
 * taken out; number 0: there was none. ledger_totals() says which serves.
 */
int publish_rollback(struct ledger *ledger, uint64_t to, const char *why, struct generation *out,
                     struct err *err);

/* What is compared: the new model with the one in service on all held-out mail, and with the last
 * one that has proved itself (may be the same) on what was held out when that one was built. */
struct publish_models {
    const struct model *live;
    const struct model *proved;
    const struct model *made;
};
int publish_compare(struct ledger *ledger, const struct publish_models *models,
                    struct guard_report *report, struct err *err);
/* Two generations that are kept, on all held-out mail. */
int publish_compare_kept(struct ledger *ledger, uint64_t before, uint64_t after,
                         struct guard_report *report, struct err *err);

/*
 * The model in service and the one that has proved itself judge each newly confirmed message
 * (models are files: what is learned meanwhile does not change them); a drop that is seen takes
 * the first out of service.
 */
struct watcher;

struct watcher *watcher_new(void);
void watcher_free(struct watcher **watcher);

/* Begins a round. True when there are two models to compare; else err may say why not, "" for
 * that there is but one. */
bool watcher_begin(struct watcher *watcher, struct ledger *ledger, struct err *err);
/*
 * One message that was learned as item->class, and was not known before. Not counted: mail that
 * was sent (its sender's account may be stolen), more messages of a campaign that was just met,
 * and what neither model knows anything of.
 */
int watcher_judge(struct watcher *watcher, const struct ledger_item *item, struct err *err);
/* Ends the round and keeps what was seen. 1 when the model in service was taken out (*out), 0 when
 * not. */
int watcher_conclude(struct watcher *watcher, struct ledger *ledger, struct generation *out,
                     struct err *err);

#endif
