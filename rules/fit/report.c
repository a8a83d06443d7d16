#include "rules/fit/report.h"

#include <stdlib.h>

#include "base/score.h"

int fit_report_make(const struct fit_samples *samples, const struct fit_options *options,
                    struct fit_report *report, double *scores, fit_progress *progress, void *data,
                    struct err *err)
{
    *report = (struct fit_report){0};
    if (options->folds < 2 || options->folds > FIT_FOLDS_MAX)
        return err_set(err, "from 2 to %d folds are possible", FIT_FOLDS_MAX);
    for (size_t i = 0; i < samples->n_rules; i++)
        scores[i] = samples->rules[i].present;
    fit_count(samples, options, scores, FIT_FOLD_NONE, &report->before);
    for (uint32_t fold = 0; fold < options->folds; fold++) {
        if (fit_scores(samples, options, fold, scores, progress, data, err) < 0)
            return -1;
        fit_count(samples, options, scores, fold, &report->folds[fold]);
    }
    if (fit_scores(samples, options, FIT_FOLD_NONE, scores, progress, data, err) < 0)
        return -1;
    fit_count(samples, options, scores, FIT_FOLD_NONE, &report->after);
    return 0;
}

static double percent(size_t part, size_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void write_count(const char *what, const struct fit_count *count, FILE *out)
{
    fprintf(out, "#   %-22s %5zu of %6zu    %6zu of %6zu (%5.1f %%)\n", what,
            count->flagged[FIT_HAM], count->total[FIT_HAM], count->flagged[FIT_SPAM],
            count->total[FIT_SPAM], percent(count->flagged[FIT_SPAM], count->total[FIT_SPAM]));
}

static void write_head(const struct fit_options *options, const struct fit_report *report,
                       FILE *out)
{
    struct fit_count sum = {0};
    fprintf(
        out,
        "# Scores fitted to labelled mail by `poterne rules fit`. A score here takes the place\n"
        "# of the one beside the rule, which says what a person gave it and is what the fit\n"
        "# stays near. Required: %g; a ham error costs as much as %g missed spam.\n#\n"
        "#                            ham errors         spam caught\n",
        options->required, options->ham_price);
    write_count("scores as written", &report->before, out);
    for (uint32_t fold = 0; fold < options->folds; fold++) {
        char what[32];
        snprintf(what, sizeof what, "fold %u, not fitted to", fold + 1);
        write_count(what, &report->folds[fold], out);
        for (int label = 0; label < FIT_LABELS; label++) {
            sum.total[label] += report->folds[fold].total[label];
            sum.flagged[label] += report->folds[fold].flagged[label];
        }
    }
    write_count("all folds", &sum, out);
    write_count("fitted to all", &report->after, out);
    fputs("\n", out);
}

struct line {
    const struct fit_rule *rule;
    double score;
};

static int strongest_first(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return str_cmp(x->rule->name, y->rule->name);
}

int fit_report_write(const struct fit_samples *samples, const struct fit_options *options,
                     const struct fit_report *report, const double *scores, FILE *out,
                     struct err *err)
{
    struct line *lines = calloc(samples->n_rules + 1, sizeof *lines);
    size_t n = 0;
    if (lines == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < samples->n_rules; i++) {
        const struct fit_rule *rule = &samples->rules[i];
        if (rule->low < rule->high)
            lines[n++] = (struct line){rule, scores[i]};
    }
    qsort(lines, n, sizeof *lines, strongest_first);
    write_head(options, report, out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "score %-24.*s %4.1f # written %4.1f; hits %5u spam %5u ham\n",
                STR_ARG(lines[i].rule->name), lines[i].score, lines[i].rule->present,
                lines[i].rule->hits[FIT_SPAM], lines[i].rule->hits[FIT_HAM]);
    free(lines);
    return 0;
}

void fit_report_errors(const struct fit_samples *samples, const struct fit_options *options,
                       const double *scores, size_t most, FILE *out)
{
    for (size_t i = 0; i < samples->n && most > 0; i++) {
        const struct fit_sample *sample = &samples->list[i];
        double total = score_round(fit_total(samples, sample, scores));
        if (sample->label != FIT_HAM || total < options->required)
            continue;
        fprintf(out, "ham above the threshold: %.1f %.*s\n", total, STR_ARG(sample->path));
        most--;
    }
}
