/* report: a fit in words: what it is worth, and the file of scores that comes out of it. */
#ifndef POTERNE_RULES_FIT_REPORT_H
#define POTERNE_RULES_FIT_REPORT_H

#include <stdio.h>

#include "rules/fit/fit.h"

#define FIT_FOLDS_MAX 20

struct fit_report {
    struct fit_count before;               /* all messages, present scores */
    struct fit_count folds[FIT_FOLDS_MAX]; /* each fold by scores fitted to the others */
    struct fit_count after;                /* all messages, scores fitted to all */
};

/*
 * Cross-validation over options->folds (2..FIT_FOLDS_MAX), then the fit to all, which stands in
 * scores[n_rules] afterwards. Folds must have been dealt, bounds set.
 */
int fit_report_make(const struct fit_samples *samples, const struct fit_options *options,
                    struct fit_report *report, double *scores, fit_progress *progress, void *data,
                    struct err *err);

/*
 * A rule file: the report as a comment, then a score line for each rule that was hit, strongest
 * first, with what it was and what it hit.
 */
int fit_report_write(const struct fit_samples *samples, const struct fit_options *options,
                     const struct fit_report *report, const double *scores, FILE *out,
                     struct err *err);

/* The ham that is still taken for spam, a line each, at most `most`. Worth reading: what stands
 * there is often spam with a wrong label. */
void fit_report_errors(const struct fit_samples *samples, const struct fit_options *options,
                       const double *scores, size_t most, FILE *out);

#endif
