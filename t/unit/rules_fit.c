/* fitting scores: made-up mail whose true weights are known */
#include "t/unit/tap.h"

#include <math.h>
#include <stdlib.h>

#include "rules/fit/report.h"

#define N_RULES  6
#define MESSAGES 4000

#define assert_near(got, expected, slack) assert_true(fabs((got) - (expected)) <= (slack))

/* Knuth's 64-bit linear congruence: the same mail each time */
static double even(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static const char *const names[N_RULES] = {"STRONG", "MIDDLE", "WEAK", "NOISE", "KIND", "RARE"};
static const double present[N_RULES] = {2, 1.5, 1, 1, -1, 1.5};

#define NONE_KEPT N_RULES

static void add_rules(struct fit_samples *samples, size_t kept)
{
    struct err err;
    for (size_t i = 0; i < N_RULES; i++)
        assert_int_equal(fit_rule_add(samples, str_of(names[i]), present[i], kept == i, &err), 0);
}

/* How often each rule hits spam and ham. */
static const double rates[N_RULES][FIT_LABELS] = {
    [0] = {[FIT_SPAM] = 0.7, [FIT_HAM] = 0.02}, [1] = {[FIT_SPAM] = 0.6, [FIT_HAM] = 0.1},
    [2] = {[FIT_SPAM] = 0.5, [FIT_HAM] = 0.25}, [3] = {[FIT_SPAM] = 0.3, [FIT_HAM] = 0.3},
    [4] = {[FIT_SPAM] = 0.05, [FIT_HAM] = 0.6},
};

static struct fit_samples *made_up_with(size_t kept)
{
    struct err err;
    struct fit_samples *samples = fit_samples_new(&err);
    uint64_t state = 42;
    assert_non_null(samples);
    add_rules(samples, kept);
    for (size_t m = 0; m < MESSAGES; m++) {
        enum fit_label label = m % 2 ? FIT_SPAM : FIT_HAM;
        char path[32];
        snprintf(path, sizeof path, "%05zu", m);
        assert_int_equal(fit_sample_begin(samples, str_of(path), label, &err), 0);
        for (size_t r = 0; r < N_RULES; r++)
            if (even(&state) < rates[r][label])
                assert_int_equal(fit_sample_hit(samples, str_of(names[r]), 1, &err), 0);
    }
    assert_int_equal(fit_sample_hit(samples, STR("RARE"), 1, &err), 0); /* the last is spam */
    fit_bounds(samples);
    assert_int_equal(fit_samples_fold(samples, 5, &err), 0);
    return samples;
}

static struct fit_samples *made_up(void)
{
    return made_up_with(NONE_KEPT);
}

static void fit_to(const struct fit_samples *samples, const struct fit_options *options,
                   double scores[N_RULES])
{
    struct err err = {""};
    if (fit_scores(samples, options, FIT_FOLD_NONE, scores, NULL, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

/* Its score is the one that was given, where a fit would have raised it. */
static void keeps_what_is_to_be_kept(void **state)
{
    struct fit_samples *samples = made_up_with(0), *free_ones = made_up();
    const struct fit_options options = FIT_OPTIONS_DEFAULT;
    double kept[N_RULES], fitted[N_RULES];
    fit_to(samples, &options, kept);
    fit_to(free_ones, &options, fitted);
    assert_near(kept[0], present[0], 1e-9);
    assert_true(fitted[0] > present[0] + 0.5);
    fit_samples_free(&samples);
    fit_samples_free(&free_ones);
}

static void orders_rules_by_what_they_prove(void **state)
{
    struct fit_samples *samples = made_up();
    const struct fit_options options = FIT_OPTIONS_DEFAULT;
    double s[N_RULES];
    fit_to(samples, &options, s);
    assert_true(s[0] > s[1]);
    assert_true(s[1] > s[2]);
    assert_true(s[2] > s[3]);
    assert_near(s[3], FIT_SCORE_MIN, 1e-9); /* proves nothing */
    assert_near(s[5], 1.5, 0.3);            /* one hit: what a person wrote */
    fit_samples_free(&samples);
}

static void keeps_signs_and_bounds(void **state)
{
    struct fit_samples *samples = made_up();
    const struct fit_options options = {
        .required = 5, .ham_price = 1, .slope = 2, .pull = 1e-6, .folds = 5};
    double s[N_RULES];
    fit_to(samples, &options, s);
    for (size_t i = 0; i < N_RULES; i++) {
        assert_true(s[i] >= samples->rules[i].low - 1e-9);
        assert_true(s[i] <= samples->rules[i].high + 1e-9);
        assert_true((s[i] < 0) == (present[i] < 0));
        assert_true(s[i] <= FIT_SCORE_MAX && s[i] >= -FIT_NICE_MAX);
        assert_true(fabs(s[i]) <= FIT_GROWTH_MAX * fabs(present[i]) + 1e-9);
    }
    /* e^0.7 is twice: WEAK hits spam twice as often as ham, and may not weigh more */
    assert_true(s[2] <= 0.8);
    fit_samples_free(&samples);
}

static void a_rule_of_ham_gets_next_to_nothing(void **state)
{
    struct err err;
    struct fit_samples *samples = fit_samples_new(&err);
    const struct fit_options options = FIT_OPTIONS_DEFAULT;
    double s[N_RULES];
    assert_non_null(samples);
    add_rules(samples, NONE_KEPT);
    for (size_t m = 0; m < 100; m++) {
        assert_int_equal(fit_sample_begin(samples, STR("x"), m % 2 ? FIT_SPAM : FIT_HAM, &err), 0);
        if (m < 20)
            assert_int_equal(fit_sample_hit(samples, STR("STRONG"), 1, &err), 0);
        if (m < 20 && m % 2 == 0)
            assert_int_equal(fit_sample_hit(samples, STR("MIDDLE"), 1, &err), 0);
    }
    fit_bounds(samples);
    fit_to(samples, &options, s);
    assert_near(s[0], FIT_SCORE_MIN, 1e-9);
    assert_near(s[1], FIT_SCORE_MIN, 1e-9);
    assert_near(s[2], 1, 1e-9); /* never hit: kept */
    fit_samples_free(&samples);
}

/* Without bounds and pull in the way, the scores that the labels were drawn by come back. */
static void recovers_known_weights(void **state)
{
    static const double truth[N_RULES] = {3, 2, 1, 4, -1, 1.5};
    struct err err;
    struct fit_samples *samples = fit_samples_new(&err);
    const struct fit_options options = {
        .required = 5, .ham_price = 1, .slope = 1, .pull = 1e-3, .folds = 5};
    double s[N_RULES];
    uint64_t random = 7;
    assert_non_null(samples);
    add_rules(samples, NONE_KEPT);
    for (size_t m = 0; m < 40000; m++) {
        bool hits[N_RULES];
        double total = -options.required;
        for (size_t r = 0; r < N_RULES; r++) {
            hits[r] = even(&random) < 0.5;
            total += hits[r] ? truth[r] : 0;
        }
        bool spam = even(&random) < 1 / (1 + exp(-total));
        assert_int_equal(fit_sample_begin(samples, STR("x"), spam ? FIT_SPAM : FIT_HAM, &err), 0);
        for (size_t r = 0; r < N_RULES; r++)
            if (hits[r])
                assert_int_equal(fit_sample_hit(samples, str_of(names[r]), 1, &err), 0);
    }
    for (size_t r = 0; r < N_RULES; r++) {
        samples->rules[r].low = -10;
        samples->rules[r].high = 10;
    }
    fit_to(samples, &options, s);
    for (size_t r = 0; r < N_RULES; r++)
        assert_near(s[r], truth[r], 0.15);
    fit_samples_free(&samples);
}

static void a_dear_ham_error_is_avoided(void **state)
{
    struct fit_samples *samples = made_up();
    struct fit_options options = FIT_OPTIONS_DEFAULT;
    struct fit_count cheap, dear;
    double s[N_RULES];
    options.ham_price = 0.1;
    options.pull = 0.1;
    fit_to(samples, &options, s);
    fit_count(samples, &options, s, FIT_FOLD_NONE, &cheap);
    options.ham_price = 1000;
    fit_to(samples, &options, s);
    fit_count(samples, &options, s, FIT_FOLD_NONE, &dear);
    assert_true(cheap.flagged[FIT_SPAM] > dear.flagged[FIT_SPAM]);
    assert_true(cheap.flagged[FIT_HAM] >= dear.flagged[FIT_HAM]);
    assert_int_equal(dear.flagged[FIT_HAM], 0);
    assert_true(cheap.flagged[FIT_HAM] > 0);
    fit_samples_free(&samples);
}

static void same_samples_same_file(void **state)
{
    char *text[2] = {NULL, NULL};
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        struct fit_samples *samples = made_up();
        const struct fit_options options = FIT_OPTIONS_DEFAULT;
        struct fit_report report;
        struct err err;
        double s[N_RULES];
        FILE *out = open_memstream(&text[i], &n[i]);
        assert_non_null(out);
        assert_int_equal(fit_report_make(samples, &options, &report, s, NULL, NULL, &err), 0);
        assert_int_equal(fit_report_write(samples, &options, &report, s, out, &err), 0);
        fclose(out);
        size_t folded = 0;
        for (size_t f = 0; f < options.folds; f++)
            folded += report.folds[f].total[FIT_SPAM];
        assert_int_equal(folded, samples->totals[FIT_SPAM]);
        fit_samples_free(&samples);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(text[0], text[1], n[0]);
    assert_non_null(strstr(text[0], "\nscore STRONG "));
    free(text[0]);
    free(text[1]);
}

static void folds_are_runs_of_paths(void **state)
{
    struct fit_samples *samples = made_up();
    for (size_t i = 2; i < samples->n; i++)
        assert_true(samples->list[i].fold >= samples->list[i - 2].fold);
    assert_int_equal(samples->list[0].fold, 0);
    assert_int_equal(samples->list[MESSAGES - 1].fold, 4);
    fit_samples_free(&samples);
}

static void reads_mass_check_logs(void **state)
{
    struct err err;
    struct fit_samples *samples = fit_samples_new(&err);
    assert_non_null(samples);
    add_rules(samples, NONE_KEPT);
    const char *lines[] = {"# mass-check results", "",
                           "Y 12 /mail/1 STRONG,UNKNOWN,MIDDLE(3),STRONG time=123,scantime=0",
                           ".  -2 /mail/2 KIND", ". 0 /mail/3 time=12"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(fit_samples_log_line(samples, str_of(lines[i]), FIT_SPAM, &err), i >= 2);
    assert_int_equal(samples->n, 3);
    assert_int_equal(samples->list[0].n, 2);
    assert_near(samples->hits[1].times, 3, 0);
    assert_int_equal(samples->list[1].n, 1);
    assert_int_equal(samples->list[2].n, 0);
    assert_str(samples->list[1].path, "/mail/2");
    const char *bad[] = {"spam ham/1", "Y", "Y x /mail/1 STRONG", "Y 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(fit_samples_log_line(samples, str_of(bad[i]), FIT_SPAM, &err), -1);
    fit_samples_free(&samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_rules_by_what_they_prove),
        cmocka_unit_test(keeps_what_is_to_be_kept),
        cmocka_unit_test(keeps_signs_and_bounds),
        cmocka_unit_test(a_rule_of_ham_gets_next_to_nothing),
        cmocka_unit_test(recovers_known_weights),
        cmocka_unit_test(a_dear_ham_error_is_avoided),
        cmocka_unit_test(same_samples_same_file),
        cmocka_unit_test(folds_are_runs_of_paths),
        cmocka_unit_test(reads_mass_check_logs),
    };
    return tap_run(tests, NULL, NULL);
}
