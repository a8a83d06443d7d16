#include "bayes/publish/guard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* One message under both models. A message's place is the share of the other class on its right
 * side (those with the same score count half); the mean of all places of a class is the area
 * under the ROC curve. */
struct place {
    double score; /* what is being sorted by */
    bool spam;
    double before;
    double after;
};

static bool looks_like_spam(double score)
{
    return score < 0;
}

static bool wrong(const struct guard_sample *sample, double score)
{
    return looks_like_spam(score) != sample->spam;
}

/* --- the ranking --- */

static int by_score(const void *a, const void *b)
{
    double x = ((const struct place *)a)->score, y = ((const struct place *)b)->score;
    return (x > y) - (x < y);
}

static double *place_of(struct place *place, bool after)
{
    return after ? &place->after : &place->before;
}

/* Sorts by the scores and fills in the places of one model. */
static void places_fill(struct place *places, size_t n, uint32_t ham, uint32_t spam, bool after)
{
    uint32_t ham_below = 0, spam_below = 0;
    for (size_t i = 0; i < n; i++)
        places[i].score = *place_of(&places[i], after);
    qsort(places, n, sizeof places[0], by_score);
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t equal[2] = {0, 0};
        for (end = i; end < n && places[end].score == places[i].score; end++)
            equal[places[end].spam]++;
        for (size_t k = i; k < end; k++)
            *place_of(&places[k], after) = places[k].spam ? (ham - ham_below - equal[0] / 2.0) / ham
                                                          : (spam_below + equal[1] / 2.0) / spam;
        ham_below += equal[0];
        spam_below += equal[1];
    }
}

/* Mean and variance of what the places of one class lost. */
static void loss_of(const struct place *places, size_t n, bool spam, uint32_t of_class,
                    double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        if (places[i].spam == spam)
            sum += places[i].before - places[i].after;
    *mean = sum / of_class;
    for (size_t i = 0; i < n; i++)
        if (places[i].spam == spam)
            squares += pow(places[i].before - places[i].after - *mean, 2);
    *variance = of_class > 1 ? squares / (of_class - 1) : 0;
}

static double roca_of(struct place *places, size_t n, uint32_t spam, bool after)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (places[i].spam)
            sum += 1 - *place_of(&places[i], after);
    return sum / spam;
}

static double worse_z(const struct place *places, size_t n, uint32_t ham, uint32_t spam)
{
    double loss, same, of_spam, of_ham;
    loss_of(places, n, true, spam, &loss, &of_spam);
    loss_of(places, n, false, ham, &same, &of_ham);
    double deviation = sqrt(of_spam / spam + of_ham / ham);
    /* What rounding leaves is no loss. */
    if (fabs(loss) < 1e-12)
        return 0;
    if (deviation * GUARD_Z_MAX <= fabs(loss))
        return copysign(GUARD_Z_MAX, loss);
    return loss / deviation;
}

static void rank(struct place *places, size_t n, struct guard_report *report)
{
    places_fill(places, n, report->ham, report->spam, false);
    places_fill(places, n, report->ham, report->spam, true);
    report->before.roca = roca_of(places, n, report->spam, false);
    report->after.roca = roca_of(places, n, report->spam, true);
    report->z = worse_z(places, n, report->ham, report->spam);
}

/* --- the verdict --- */

static void count(const struct guard_sample *samples, size_t n, double caution,
                  struct guard_report *report)
{
    *report = (struct guard_report){.caution = caution};
    for (size_t i = 0; i < n; i++) {
        const struct guard_sample *sample = &samples[i];
        bool before = wrong(sample, sample->before);
        bool after = wrong(sample, sample->after + caution);
        if (sample->spam) {
            report->spam++;
            report->before.spam_missed += before;
            report->after.spam_missed += after;
            report->spam_worse += after && !before;
            report->spam_better += before && !after;
        } else {
            report->ham++;
            report->before.ham_errors += before;
            report->after.ham_errors += after;
            report->ham_worse += after && !before;
            report->ham_better += before && !after;
        }
    }
}

/* What lifts all ham above 0 but the `errors` lowest; n_ham is more than those. */
static double caution_for(const struct guard_sample *samples, size_t n, size_t errors,
                          struct place *places)
{
    size_t n_ham = 0;
    for (size_t i = 0; i < n; i++)
        if (!samples[i].spam)
            places[n_ham++].score = samples[i].after;
    qsort(places, n_ham, sizeof places[0], by_score);
    return -places[errors].score;
}

/* Counts and ranks, with the caution of before or, if allowed, what is needed of it. */
static int measure(const struct guard_sample *samples, size_t n, double caution, bool may_choose,
                   struct guard_report *report, struct err *err)
{
    struct place *places = calloc(n + 1, sizeof *places);
    if (places == NULL)
        return err_set(err, "out of memory for %zu held-out messages", n);
    count(samples, n, caution, report);
    uint32_t before = report->before.ham_errors, after = report->after.ham_errors;
    if (may_choose && after > before && after - before <= 1 + report->ham / GUARD_RISE_EACH) {
        double needed = caution_for(samples, n, before, places);
        if (needed <= GUARD_CAUTION_MAX)
            count(samples, n, needed, report);
    }
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){0, samples[i].spam, samples[i].before, samples[i].after};
    if (report->ham && report->spam)
        rank(places, n, report);
    free(places);
    return 0;
}

double guard_sign_test(uint32_t worse, uint32_t better)
{
    double n = (double)worse + better, sum = 0;
    for (uint64_t b = 0; b <= better; b++)
        sum += exp(lgamma(n + 1) - lgamma(n - (double)b + 1) - lgamma((double)b + 1) - n * M_LN2);
    return sum < 1 ? sum : 1;
}

static bool enough(const struct guard_report *report)
{
    return report->ham >= GUARD_FEW && report->spam >= GUARD_FEW;
}

static bool ranks_worse(const struct guard_report *report)
{
    return enough(report) && report->z > GUARD_WORSE_Z;
}

static bool misses_more(const struct guard_report *report)
{
    double lost = (double)report->spam_worse - report->spam_better;
    double saved = (double)report->ham_better - report->ham_worse;
    return enough(report) && lost > GUARD_HAM_WORTH * saved &&
           guard_sign_test(report->spam_worse, report->spam_better) < GUARD_WORSE_P;
}

/* What a score costs of a message of that class: natural logarithm of 1 over the chance that it
 * gave that class. */
static double surprise(bool spam, double score)
{
    double wrong = spam ? score : -score;
    return wrong > 30 ? wrong : log1p(exp(wrong));
}

/* The mean of it by both. True when it rises beyond chance, and by what matters. */
static bool less_sure(const struct guard_sample *samples, size_t n, double caution, double *before,
                      double *after)
{
    double squares = 0;
    *before = *after = 0;
    for (size_t i = 0; i < n; i++) {
        double was = surprise(samples[i].spam, samples[i].before);
        double is = surprise(samples[i].spam, samples[i].after + caution);
        *before += was / (double)n;
        *after += is / (double)n;
        squares += (is - was) * (is - was) / (double)n;
    }
    double rise = *after - *before;
    double variance = squares > rise * rise ? squares - rise * rise : 0;
    return rise > GUARD_SURPRISE && rise > GUARD_WORSE_Z * sqrt(variance / (double)n);
}

static void say_ranks_worse(const struct guard_report *of, const char *whose, char *out)
{
    snprintf(out, GUARD_REASON_MAX,
             "it ranks the held-out mail worse%s: 1-ROCA %.4f %%, was %.4f %%, %.1f standard "
             "deviations",
             whose, 100 * of->after.roca, 100 * of->before.roca, of->z);
}

static void say_misses_more(const struct guard_report *of, const char *whose, char *out)
{
    snprintf(out, GUARD_REASON_MAX, "of %u held-out spam it would miss %u%s, not %u", of->spam,
             of->after.spam_missed, whose, of->before.spam_missed);
}

static void decide(struct guard_report *report)
{
    const struct guard_figures *before = &report->before, *after = &report->after;
    if (after->ham_errors > before->ham_errors)
        snprintf(report->reason, sizeof report->reason,
                 "of %u held-out ham %u would look like spam, now %u do", report->ham,
                 after->ham_errors, before->ham_errors);
    else if (ranks_worse(report))
        say_ranks_worse(report, "", report->reason);
    else if (misses_more(report))
        say_misses_more(report, report->caution > 0 ? " to keep ham errors as they are" : "",
                        report->reason);
    else
        report->accepted = true;
    if (report->accepted)
        snprintf(report->reason, sizeof report->reason, "%s",
                 enough(report)               ? "it judges the held-out mail no worse"
                 : report->ham + report->spam ? "too little mail is held out to compare more than "
                                                "ham errors"
                                              : "no mail is held out yet to compare it on");
}

/* -1 when they are no samples to compare on. */
static int check(const struct guard_sample *samples, size_t n, struct err *err)
{
    if (n > GUARD_SAMPLES_MAX)
        return err_set(err, "%zu held-out messages, at most %d can be compared", n,
                       GUARD_SAMPLES_MAX);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(samples[i].before) || !isfinite(samples[i].after))
            return err_set(err, "the score of a held-out message is no number");
    return 0;
}

int guard_compare(const struct guard_sample *samples, size_t n, struct guard_report *report,
                  struct err *err)
{
    *report = (struct guard_report){.accepted = false};
    if (check(samples, n, err) < 0 || measure(samples, n, 0, true, report, err) < 0)
        return -1;
    decide(report);
    return 0;
}

int guard_drift(const struct guard_sample *samples, size_t n, struct guard_report *report,
                struct err *err)
{
    static const char whose[] = " than the last model that has proved itself";
    struct guard_report old;
    double before, after;
    if (!report->accepted)
        return 0;
    report->accepted = false;
    if (check(samples, n, err) < 0 || measure(samples, n, report->caution, false, &old, err) < 0)
        return -1;
    if (guard_sign_test(old.ham_worse, old.ham_better) < GUARD_WORSE_P)
        snprintf(report->reason, sizeof report->reason,
                 "of %u ham held out before, %u would look like spam, by the last model that has "
                 "proved itself %u do",
                 old.ham, old.after.ham_errors, old.before.ham_errors);
    else if (ranks_worse(&old))
        say_ranks_worse(&old, whose, report->reason);
    else if (misses_more(&old))
        say_misses_more(&old, " of what was held out before", report->reason);
    else if (enough(&old) && less_sure(samples, n, report->caution, &before, &after))
        snprintf(
            report->reason, sizeof report->reason,
            "it is less sure of what was held out before: the right class surprises it by %.2f, "
            "the last model that has proved itself by %.2f",
            after, before);
    else
        report->accepted = true;
    return 0;
}

/* --- after going live --- */

bool guard_watch_add(struct guard_watch *watch, const struct guard_sample *sample)
{
    bool before = wrong(sample, sample->before), after = wrong(sample, sample->after);
    watch->judged++;
    if (before == after)
        return false;
    if (sample->spam)
        ++*(after ? &watch->spam_worse : &watch->spam_better);
    else
        ++*(after ? &watch->ham_worse : &watch->ham_better);
    return true;
}

/* b! c! / (n+1)! times the sum over k > c of (n+1 choose k), with n = b + c: the integral of
 * 2 p^b (1-p)^c over p from 1/2 to 1, divided by 2^-n. */
double guard_watch_evidence(uint32_t worse, uint32_t better)
{
    double n = (double)worse + better;
    double largest = lgamma(n + 2) - 2 * lgamma((n + 1) / 2 + 1);
    double sum = 0;
    for (uint64_t b = 0; b <= worse; b++) /* n + 1 - k */
        sum += exp(lgamma(n + 2) - lgamma(n + 2 - (double)b) - lgamma((double)b + 1) - largest);
    return lgamma(worse + 1.0) + lgamma(better + 1.0) - lgamma(n + 2) + largest + log(sum);
}

bool guard_watch_dropped(const struct guard_watch *watch)
{
    if (guard_watch_evidence(watch->ham_worse, watch->ham_better) >= log(GUARD_DROP_HAM))
        return true;
    /* More spam found may cost nothing in ham; fewer ham errors may cost spam. */
    return watch->ham_worse >= watch->ham_better &&
           guard_watch_evidence(watch->ham_worse + watch->spam_worse,
                                watch->ham_better + watch->spam_better) >= log(GUARD_DROP_ANY);
}
