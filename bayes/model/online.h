/*
 * online: all that pass 2 learns, in memory: what the ledger and the models built from it come to
 * if a model were built after every message. For playing mail whose class is known; nothing here
 * is kept.
 */
#ifndef POTERNE_BAYES_MODEL_ONLINE_H
#define POTERNE_BAYES_MODEL_ONLINE_H

#include "bayes/model/lesson.h"

struct online;

struct online *online_new(struct err *err);
void online_free(struct online **online);

int online_classify(const struct online *online, const struct features *features, struct pool *pool,
                    struct bayes_result *result, struct err *err);

/* class: LEARN_HAM or LEARN_SPAM. Another message may be rehearsed (rehearsal.h). */
int online_learn(struct online *online, const struct features_view *features,
                 enum learn_class class, struct err *err);

/* As a model has it; the weights stay the learner's. */
struct knowledge online_knowledge(const struct online *online);
/* Every token that was learned, in no order: *n of them, to be freed. */
struct model_token *online_tokens(const struct online *online, size_t *n, struct err *err);

#endif
