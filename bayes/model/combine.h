/*
 * combine: many weak hints into one. Robinson's estimate for a token, Fisher's method for all of
 * them (G. Robinson, "A Statistical Approach to the Spam Problem", Linux Journal 107, 2003).
 * Fisher's test takes its tests for independent, which the words of a mail are not: so a message
 * weighs as if it had at most INDEPENDENT_MAX tokens (the idea of G. Louis's effective size
 * factor in bogofilter, made to saturate). All in logarithms: nothing overflows or ties.
 */
#ifndef POTERNE_BAYES_MODEL_COMBINE_H
#define POTERNE_BAYES_MODEL_COMBINE_H

#include "bayes/model/model.h"

/* Probability that a message with this token is spam. spam and ham: messages learned, each above
 * 0. Never 0 or 1: a token never seen in a class counts as seen there a hundredth of a time. */
double token_probability(struct model_counts counts, uint64_t spam, uint64_t ham);

/* All probabilities of a message. A logarithm is only taken where a product gets too small. */
struct combination {
    double log_spam; /* sum of ln p, but for those in the product below */
    double log_ham;  /* sum of ln (1 - p), likewise */
    double spam;     /* product of p */
    double ham;      /* product of 1 - p */
    size_t n;
};
#define COMBINATION_NONE                                                                           \
    {                                                                                              \
        0, 0, 1, 1, 0                                                                              \
    }

/* A token of a message; one that tells too little is left out. Returns its probability. */
double combination_add(struct combination *c, struct model_counts counts, uint64_t spam,
                       uint64_t ham);

/* Evidence for spam: the logarithm of how much rarer ham gives such probabilities by chance than
 * spam does. 0 for n = 0. */
double combination_evidence(const struct combination *c);

/* Evidence as natural log-odds of spam. */
double evidence_odds(double evidence);

/*
 * In the mission's sign, as the natural logarithm of the odds for ham; never beyond SCORE_MAX, nor
 * beyond what so few messages can teach: who has seen n of a class can't rule out an error in
 * one of n + 1.
 */
double odds_score(double odds, uint64_t spam, uint64_t ham);

/* Natural logarithm of the regularised upper incomplete gamma function Q(a, x): the probability
 * that chi-squared with 2a degrees of freedom is above 2x. a > 0, x >= 0. */
double gamma_log_tail(double a, double x);

#endif
