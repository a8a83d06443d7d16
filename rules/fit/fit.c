#include "rules/fit/fit.h"

#include <math.h>
#include <stdlib.h>

#include "base/score.h"

/* The fit's working set: hits by rule, and each message's distance from the threshold. */
struct work {
    const struct fit_samples *samples;
    const struct fit_options *options;
    size_t *first;        /* of each rule's hits in `hits`, and one more */
    struct fit_hit *hits; /* .rule is the number of the message here */
    double *weight;       /* of each message; 0: it belongs to the fold that is left out */
    double *margin;       /* total - required */
    double *reach;        /* of each rule: how far its next step may go */
};

#define REACH_FIRST 1.0

static double evidence(const struct fit_samples *samples, const struct fit_rule *rule)
{
    double spam = (rule->hits[FIT_SPAM] + 0.5) / ((double)samples->totals[FIT_SPAM] + 1);
    double ham = (rule->hits[FIT_HAM] + 0.5) / ((double)samples->totals[FIT_HAM] + 1);
    return log(spam / ham);
}

void fit_bounds(struct fit_samples *samples)
{
    for (size_t i = 0; i < samples->n_rules; i++) {
        struct fit_rule *rule = &samples->rules[i];
        double proof = evidence(samples, rule);
        if (rule->hits[FIT_HAM] == 0)
            proof = fmax(proof, rule->present);
        rule->low = rule->high = rule->present;
        if (rule->kept || rule->present == 0 || rule->hits[FIT_HAM] + rule->hits[FIT_SPAM] == 0)
            continue;
        if (rule->present < 0) {
            rule->low = fmax(-FIT_NICE_MAX, FIT_GROWTH_MAX * rule->present);
            rule->high = fmin(-FIT_SCORE_MIN, FIT_NICE_KEPT * rule->present);
            rule->low = fmin(rule->low, rule->high);
        } else {
            rule->low = FIT_SCORE_MIN;
            rule->high = fmin(fmin(proof, FIT_SCORE_MAX), FIT_GROWTH_MAX * rule->present);
            rule->high = fmax(FIT_SCORE_MIN, rule->high);
        }
    }
}

static void work_free(struct work *work)
{
    free(work->first);
    free(work->hits);
    free(work->weight);
    free(work->margin);
    free(work->reach);
}

/* From hits by message to hits by rule. */
static void turn(struct work *work)
{
    const struct fit_samples *samples = work->samples;
    for (size_t i = 0; i < samples->n_hits; i++)
        work->first[samples->hits[i].rule + 1]++;
    for (size_t i = 0; i < samples->n_rules; i++)
        work->first[i + 1] += work->first[i];
    for (size_t m = samples->n; m-- > 0;) {
        const struct fit_sample *sample = &samples->list[m];
        for (size_t i = 0; i < sample->n; i++) {
            const struct fit_hit *hit = &samples->hits[sample->first + i];
            work->hits[--work->first[hit->rule + 1]] =
                (struct fit_hit){.rule = (uint32_t)m, .times = hit->times};
        }
    }
    /* each first[rule + 1] went down to where that rule begins: back by one place */
    for (size_t i = 0; i < samples->n_rules; i++)
        work->first[i] = work->first[i + 1];
    work->first[samples->n_rules] = samples->n_hits;
}

static int work_make(struct work *work, const double *scores, uint32_t without, struct err *err)
{
    const struct fit_samples *samples = work->samples;
    work->first = calloc(samples->n_rules + 2, sizeof *work->first);
    work->hits = calloc(samples->n_hits + 1, sizeof *work->hits);
    work->weight = calloc(samples->n + 1, sizeof *work->weight);
    work->margin = calloc(samples->n + 1, sizeof *work->margin);
    work->reach = calloc(samples->n_rules + 1, sizeof *work->reach);
    if (!work->first || !work->hits || !work->weight || !work->margin || !work->reach)
        return err_set(err, "out of memory; fit fewer messages at once");
    turn(work);
    for (size_t i = 0; i < samples->n; i++) {
        const struct fit_sample *sample = &samples->list[i];
        work->margin[i] = fit_total(samples, sample, scores) - work->options->required;
        work->weight[i] = sample->fold == without     ? 0
                          : sample->label == FIT_SPAM ? 1
                                                      : work->options->ham_price;
    }
    for (size_t i = 0; i < samples->n_rules; i++)
        work->reach[i] = REACH_FIRST;
    return 0;
}

/* The most that the logistic curve bends within `reach` of r. */
static double bend(double r, double reach)
{
    double distance = fabs(r) - reach;
    return distance <= 0 ? 0.25 : 1 / (2 + exp(distance) + exp(-distance));
}

/* Moves one rule's score; how far it went. */
static double step(struct work *work, size_t number, double *scores)
{
    const struct fit_rule *rule = &work->samples->rules[number];
    double slope = work->options->slope, reach = work->reach[number];
    double gradient = 2 * work->options->pull * (scores[number] - rule->present);
    double curve = 2 * work->options->pull;
    for (size_t i = work->first[number]; i < work->first[number + 1]; i++) {
        const struct fit_hit *hit = &work->hits[i];
        double weight = work->weight[hit->rule];
        if (weight == 0)
            continue;
        double x = slope * (double)hit->times;
        double y = work->samples->list[hit->rule].label == FIT_SPAM ? 1 : -1;
        double r = y * slope * work->margin[hit->rule];
        gradient -= weight * y * x / (1 + exp(r));
        curve += weight * x * x * bend(r, reach * x);
    }
    double go = curve > 0 ? -gradient / curve : 0;
    go = fmax(-reach, fmin(reach, go));
    go = fmax(rule->low, fmin(rule->high, scores[number] + go)) - scores[number];
    work->reach[number] = fmax(2 * fabs(go), reach / 2);
    if (go == 0)
        return 0;
    for (size_t i = work->first[number]; i < work->first[number + 1]; i++)
        work->margin[work->hits[i].rule] += go * (double)work->hits[i].times;
    scores[number] += go;
    return fabs(go);
}

/* Tenths between the bounds; a score that is kept stays as it was written. */
static double rounded(const struct fit_rule *rule, double score)
{
    double low = ceil(rule->low * FIT_ROUND - 1e-9), high = floor(rule->high * FIT_ROUND + 1e-9);
    if (rule->low == rule->high)
        return rule->low;
    return fmax(low, fmin(high, round(score * FIT_ROUND))) / FIT_ROUND;
}

int fit_scores(const struct fit_samples *samples, const struct fit_options *options,
               uint32_t without, double *scores, fit_progress *progress, void *data,
               struct err *err)
{
    struct work work = {.samples = samples, .options = options};
    for (size_t i = 0; i < samples->n_rules; i++)
        scores[i] =
            fmax(samples->rules[i].low, fmin(samples->rules[i].high, samples->rules[i].present));
    int result = work_make(&work, scores, without, err);
    double furthest = INFINITY;
    for (unsigned pass = 0; result == 0 && pass < FIT_PASSES_MAX && furthest > FIT_STEP_DONE;
         pass++) {
        furthest = 0;
        for (size_t i = 0; i < samples->n_rules; i++)
            furthest = fmax(furthest, step(&work, i, scores));
        if (progress)
            progress(data);
    }
    for (size_t i = 0; i < samples->n_rules; i++)
        scores[i] = rounded(&samples->rules[i], scores[i]);
    work_free(&work);
    return result;
}

double fit_total(const struct fit_samples *samples, const struct fit_sample *sample,
                 const double *scores)
{
    double total = 0;
    for (size_t i = 0; i < sample->n; i++) {
        const struct fit_hit *hit = &samples->hits[sample->first + i];
        total += scores[hit->rule] * (double)hit->times;
    }
    return total;
}

void fit_count(const struct fit_samples *samples, const struct fit_options *options,
               const double *scores, uint32_t fold, struct fit_count *count)
{
    *count = (struct fit_count){0};
    for (size_t i = 0; i < samples->n; i++) {
        const struct fit_sample *sample = &samples->list[i];
        if (fold != FIT_FOLD_NONE && sample->fold != fold)
            continue;
        count->total[sample->label]++;
        count->flagged[sample->label] +=
            score_round(fit_total(samples, sample, scores)) >= options->required;
    }
}
