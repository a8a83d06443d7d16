/* kept: a message's features without their texts: all that learning takes of them. */
#ifndef POTERNE_BAYES_FEATURES_KEPT_H
#define POTERNE_BAYES_FEATURES_KEPT_H

#include "bayes/bayes.h"

struct features_view {
    const uint64_t *tokens; /* rising, each once */
    size_t n_tokens;
    const uint32_t *grams; /* rising, each once, below GRAM_WEIGHTS */
    size_t n_grams;
};

/* A copy in memory of its own. NULL: there is none left. */
struct features_view *features_keep(const struct features *features, struct err *err);
void features_kept_free(struct features_view **kept);

#endif
