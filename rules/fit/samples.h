/*
 * samples: labelled mail as a fit sees it: for each message its label, and which rules hit it how
 * often. Rules are numbered as they come. All lives in the samples' own pool.
 */
#ifndef POTERNE_RULES_FIT_SAMPLES_H
#define POTERNE_RULES_FIT_SAMPLES_H

#include "base/err.h"
#include "base/pool.h"
#include "rules/language/names.h"

#define FIT_MEMORY_MAX  ((size_t)2 * 1024 * 1024 * 1024)
#define FIT_RULES_MAX   100000
#define FIT_SAMPLES_MAX 5000000
#define FIT_TIMES_MAX   100 /* hits of one rule on one message that are counted */

enum fit_label { FIT_HAM, FIT_SPAM, FIT_LABELS };

struct fit_rule {
    struct str name;
    double present;   /* what a person wrote; a fit stays near */
    double low, high; /* a fitted score lies between; both are `present` for a rule that is kept */
    bool kept;
    uint32_t hits[FIT_LABELS]; /* messages */
};

struct fit_sample {
    struct str path;
    enum fit_label label;
    uint32_t fold;
    size_t first, n; /* its hits */
};

struct fit_hit {
    uint32_t rule;
    float times;
};

struct fit_samples {
    struct pool *pool;
    struct names names;
    struct fit_rule *rules;
    size_t n_rules, rules_cap;
    struct fit_sample *list;
    size_t n, cap;
    struct fit_hit *hits;
    size_t n_hits, hits_cap;
    size_t totals[FIT_LABELS]; /* messages */
};

struct fit_samples *fit_samples_new(struct err *err);
void fit_samples_free(struct fit_samples **samples);

/* Name and present score of a rule that may be hit; `kept`: the score counts as it is and is not
 * fitted. -1: out of memory, or too many. */
int fit_rule_add(struct fit_samples *samples, struct str name, double present, bool kept,
                 struct err *err);
/* The next hits belong to this message. */
int fit_sample_begin(struct fit_samples *samples, struct str path, enum fit_label label,
                     struct err *err);
/* A rule that was not added (no score: it can't be fitted) is left out; a rule that was named
 * already for this message too. */
int fit_sample_hit(struct fit_samples *samples, struct str rule, double times, struct err *err);

/*
 * Deals the messages into folds 0..folds-1: the ham and the spam are each put in the order of
 * their paths and cut into as many runs. So what came from one source or in one campaign mostly
 * stays together, and a fold shows what a fit is worth on mail that it did not see the like of.
 */
int fit_samples_fold(struct fit_samples *samples, uint32_t folds, struct err *err);

/*
 * A line of SpamAssassin's mass-check: "Y 12 path RULE,RULE,RULE key=value,…" ('.' for 'Y' where
 * the total was too low). The label is the log's: mass-check writes ham and spam apart. 1 taken, 0
 * for a comment or an empty line, -1 with err.
 */
int fit_samples_log_line(struct fit_samples *samples, struct str line, enum fit_label label,
                         struct err *err);

#endif
