/*
 * judge: what two models make of messages of which only the features are left.
 */
#ifndef POTERNE_BAYES_JUDGE_H
#define POTERNE_BAYES_JUDGE_H

#include "bayes/guard.h"
#include "bayes/lesson.h"

struct judge {
    const struct model *before; /* not owned */
    const struct model *after;
    struct pool *pool;
    struct feature *list; /* FEATURES_MAX of them */
};

int judge_open(struct judge *judge, const struct model *before, const struct model *after,
               struct err *err);
void judge_close(struct judge *judge);

/* 1 with both scores, unbounded, in the mission's sign; 0 when neither model knows anything of the
 * message (its features are those of an older program, say); -1 no memory. A model that knows
 * nothing where the other does has no opinion: score 0. */
int judge_both(struct judge *judge, const struct features_view *features, bool spam,
               struct guard_sample *sample, struct err *err);

#endif
