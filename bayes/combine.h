/*
 * combine: many weak hints into one. Robinson's estimate for a token, Fisher's method for all of
 * them (G. Robinson, "A Statistical Approach to the Spam Problem", Linux Journal 107, 2003), in
 * logarithms throughout, so that a message of 20 000 certain tokens neither overflows nor ties
 * with one of 50.
 */
#ifndef POTERNE_BAYES_COMBINE_H
#define POTERNE_BAYES_COMBINE_H

#include "bayes/model.h"

/*
 * Probability that a message with this token is spam: the share of its class frequencies, drawn
 * to the prior as far as the token is rare. spam and ham: messages learned, both above 0.
 */
double token_probability(struct model_counts counts, uint64_t spam, uint64_t ham);

/* Natural logarithm of the probability that chi-squared with 2n degrees of freedom is above 2m. */
double chi2_log_tail(double m, size_t n);

#endif
