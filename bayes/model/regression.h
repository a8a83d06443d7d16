/*
 * regression: online logistic regression over hashed byte 4-grams, the second member of pass 2
 * (J. Goodman, W. Yih, "Online Discriminative Spam Filter Training", CEAS 2006; G. Cormack's
 * filter of the TREC 2007 spam track has the same features and rate). A message's log-odds of spam
 * are the sum of the weights of its grams; learning it adds one step to each of them.
 *
 * Weights are integers in fixed point, and so are steps: whatever order messages were learned in,
 * the weights are the sum of the steps of all of them, and taking one back subtracts its step
 * exactly. Sums wrap around, so that this holds without exception; no weight comes near that in
 * less than 100 000 messages learned in a row that the filter was wholly wrong about.
 */
#ifndef POTERNE_BAYES_MODEL_REGRESSION_H
#define POTERNE_BAYES_MODEL_REGRESSION_H

#include "bayes/bayes.h"

#define WEIGHT_ONE (1 << 22) /* the weight that adds 1 to the log-odds */

/* Natural log-odds of spam. grams: positions below GRAM_WEIGHTS. weights: GRAM_WEIGHTS of them. */
double regression_score(const int32_t *weights, const uint32_t *grams, size_t n);

/* What learning a message of that score and class adds to each of its weights; 0 when the score
 * is far from any error. At most RATE * WEIGHT_ONE. */
int32_t regression_step(double score, bool spam);

/* Learns (step) or takes back (-step). */
void regression_apply(int32_t *weights, const uint32_t *grams, size_t n, int32_t step);

#endif
