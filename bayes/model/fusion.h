/*
 * fusion: the members' opinions of a message into one log-odds: logistic regression over the
 * members' log-odds, learned online (T. Lynam, G. Cormack, "On-line Spam Filter Fusion", SIGIR
 * 2006). It starts from shipped weights, fitted on mail of several kinds, and learning moves each
 * only within bounds: mail that is reported because it was judged wrongly is no fair sample, and
 * must not talk the filter out of its judgement.
 *
 * What was learned is a sum of integer steps, as in regression.h.
 */
#ifndef POTERNE_BAYES_MODEL_FUSION_H
#define POTERNE_BAYES_MODEL_FUSION_H

#include "base/str.h"

enum fusion_input {
    FUSION_TOKENS, /* natural log-odds of spam: Robinson-Fisher over tokens */
    FUSION_GRAMS,  /* regression over byte 4-grams */
    FUSION_INPUTS
};

/* What learning added to the shipped weights, in 1 / FUSION_ONE. All 0: nothing learned. */
#define FUSION_ONE (1 << 24)
struct fusion {
    int32_t learned[FUSION_INPUTS];
};

/* Natural log-odds of spam. */
double fusion_score(const struct fusion *fusion, const double inputs[FUSION_INPUTS]);

/* What learning a message with these inputs adds to each learned weight. */
void fusion_step(const struct fusion *fusion, const double inputs[FUSION_INPUTS], bool spam,
                 int32_t step[FUSION_INPUTS]);

/* Learns, or with `times` -1 takes back. */
void fusion_apply(struct fusion *fusion, const int32_t step[FUSION_INPUTS], int times);

#endif
