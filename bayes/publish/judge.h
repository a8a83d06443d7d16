/*
 * judge: what models make of messages of which only the features are left.
 */
#ifndef POTERNE_BAYES_PUBLISH_JUDGE_H
#define POTERNE_BAYES_PUBLISH_JUDGE_H

#include "bayes/model/lesson.h"
#include "bayes/publish/guard.h"

struct judge {
    struct pool *pool;
    struct feature *list; /* FEATURES_MAX of them */
    struct features features;
};

int judge_open(struct judge *judge, struct err *err);
void judge_close(struct judge *judge);

/* What is judged next; the lists must live as long. */
int judge_message(struct judge *judge, const struct features_view *view, struct err *err);
/* The score, unbounded, in the mission's sign. 0 and *used as it was when the model knows nothing
 * of the message (its features are those of an older program, say); else *used is set. */
int judge_score(struct judge *judge, const struct model *model, double *score, bool *used,
                struct err *err);
/* Both; 1, or 0 when neither model knows anything of the message. */
int judge_both(struct judge *judge, const struct model *before, const struct model *after,
               struct guard_sample *sample, struct err *err);

#endif
