/*
 * fit: scores for rules, by logistic regression over the hits of labelled mail.
 *
 *   total(message) = sum of times × score            spam is what reaches `required`
 *   cost = sum over messages of price × ln(1 + exp(-slope × distance from `required`, right side))
 *          + pull × sum over rules of (score - present)²
 *
 * with every score between its bounds. The cost has one lowest point. It is gone to one rule after
 * another, each by a step that is sure to lower the cost and is held short where the curve bends
 * (Genkin, Lewis, Madigan: Large-Scale Bayesian Logistic Regression, Technometrics 49, 2007). Same
 * samples, same scores: nothing is drawn by lot.
 */
#ifndef POTERNE_RULES_FIT_FIT_H
#define POTERNE_RULES_FIT_FIT_H

#include "rules/fit/samples.h"

#define FIT_SCORE_MAX  4.0 /* no rule decides alone */
#define FIT_NICE_MAX   3.0 /* what a rule may take off */
#define FIT_SCORE_MIN  0.1 /* a score of 0 would turn the rule off, and the metas on it */
#define FIT_GROWTH_MAX 2.0
#define FIT_NICE_KEPT  0.5  /* of what a rule takes off: kindness is for ham that is not here */
#define FIT_PASSES_MAX 500  /* over all rules */
#define FIT_STEP_DONE  5e-4 /* a pass in which no score moved further is the last */
#define FIT_ROUND      10.0 /* a score is a whole number of tenths */
#define FIT_FOLD_NONE  UINT32_MAX

struct fit_options {
    double required;
    double ham_price; /* missed spam that one ham error costs as much as */
    double slope;     /* of the logistic curve, a point of score */
    double pull;      /* towards the present score: 5 is that of some ten messages */
    uint32_t folds;
};

#define FIT_OPTIONS_DEFAULT                                                                        \
    ((struct fit_options){.required = 5, .ham_price = 80, .slope = 2, .pull = 5, .folds = 5})

/*
 * Sets each rule's bounds. The sign of its present score is kept, and no score gets larger than
 * FIT_SCORE_MAX or FIT_NICE_MAX, nor than FIT_GROWTH_MAX times the present one: the corpus lacks
 * most of the world's newsletters and shops, and who wrote 0.2 knew some. For the same reason a
 * nice rule keeps FIT_NICE_KEPT of what it has. A rule for spam gets at most what it proves by
 * itself: the natural logarithm of how much more often it hits spam than ham (both counted half a
 * hit up), or the present score if it hits no ham. A rule without a hit or a score keeps what it
 * has.
 */
void fit_bounds(struct fit_samples *samples);

/* Told after each pass, of which there are FIT_PASSES_MAX at most; NULL is fine. */
typedef void fit_progress(void *data);

/*
 * Fills scores[n_rules] from all samples but those of the fold `without`. -1: out of memory.
 */
int fit_scores(const struct fit_samples *samples, const struct fit_options *options,
               uint32_t without, double *scores, fit_progress *progress, void *data,
               struct err *err);

struct fit_count {
    size_t total[FIT_LABELS];
    size_t flagged[FIT_LABELS]; /* reached `required` */
};

double fit_total(const struct fit_samples *samples, const struct fit_sample *sample,
                 const double *scores);
/* What these scores say of one fold, or of all messages (FIT_FOLD_NONE). */
void fit_count(const struct fit_samples *samples, const struct fit_options *options,
               const double *scores, uint32_t fold, struct fit_count *count);

#endif
