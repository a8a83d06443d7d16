/* model_diff: what changed from one model to another, in numbers. */
#ifndef POTERNE_BAYES_MODEL_MODEL_DIFF_H
#define POTERNE_BAYES_MODEL_MODEL_DIFF_H

#include "bayes/bayes.h"

struct model_diff {
    uint64_t tokens_new;     /* only in the second */
    uint64_t tokens_gone;    /* only in the first */
    uint64_t tokens_changed; /* other counts */
    uint64_t tokens_same;
    uint32_t weights_changed; /* of grams */
};

int model_diff(const struct model *first, const struct model *second, struct model_diff *diff,
               struct err *err);

#endif
