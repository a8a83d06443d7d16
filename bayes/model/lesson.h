/*
 * lesson: what learning one message adds to what is known, beside its tokens' counts (1 each).
 * All integers: the ledger keeps the lesson with the message, and subtracts it to take the message
 * back. What a message teaches depends on what was known when it came, so the lesson is made once,
 * then never again.
 */
#ifndef POTERNE_BAYES_MODEL_LESSON_H
#define POTERNE_BAYES_MODEL_LESSON_H

#include "bayes/features/kept.h"
#include "bayes/learn/learn.h"
#include "bayes/model/fusion.h"
#include "bayes/model/model.h"
#include "bayes/model/regression.h"

struct lesson {
    int32_t gram_step; /* for the weight of each gram; 0: the grams need not be kept */
    int32_t fusion_step[FUSION_INPUTS];
};

/* counts[i] belongs to tokens[i], as it was before this message, and so does what is known.
 * class: LEARN_HAM or LEARN_SPAM. */
void lesson_make(const struct features_view *features, const struct model_counts *counts,
                 const struct knowledge *known, enum learn_class class, struct lesson *lesson);

#endif
