#include "t/unit/tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bayes/publish/guard.h"

#define assert_near(x, y)                                                                          \
    do {                                                                                           \
        double x_ = (x), y_ = (y);                                                                 \
        if (!(fabs(x_ - y_) <= 1e-9 * (1 + fabs(y_))))                                             \
            fail_msg("%.15g is not %.15g", x_, y_);                                                \
    } while (0)

#define HAM  false
#define SPAM true

static struct guard_report compare(const struct guard_sample *samples, size_t n)
{
    struct guard_report report;
    struct err err;
    assert_int_equal(guard_compare(samples, n, &report, &err), 0);
    assert_true(strlen(report.reason) > 0);
    return report;
}

/* n of each class, judged well by both, the scores of each class all different */
static size_t well_judged(struct guard_sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double score = 1 + (double)i / (double)n;
        samples[2 * i] = (struct guard_sample){HAM, score, score};
        samples[2 * i + 1] = (struct guard_sample){SPAM, -score, -score};
    }
    return 2 * n;
}

/* --- figures --- */

static void figures_are_those_by_hand(void **state)
{
    const struct guard_sample samples[] = {{SPAM, -2, -2},
                                           {SPAM, -1, 1.5},
                                           {HAM, 1, 1},
                                           {HAM, 2, 2}};
    struct guard_report report = compare(samples, 4);
    assert_int_equal(report.ham, 2);
    assert_int_equal(report.spam, 2);
    assert_int_equal(report.before.spam_missed, 0);
    assert_int_equal(report.after.spam_missed, 1);
    assert_near(report.before.roca, 0);
    assert_near(report.after.roca, 0.25);
    /* spam loses 0 and .5, ham .5 and 0: variance 1/8 each, so .25 / sqrt(1/16 + 1/16) */
    assert_near(report.z, 0.25 / sqrt(0.125));
}

static void equal_scores_count_half(void **state)
{
    const struct guard_sample samples[] = {{SPAM, 0, -1}, {HAM, 0, 1}, {HAM, -1, 2}};
    struct guard_report report = compare(samples, 3);
    assert_near(report.before.roca, 1 - 0.25);
    assert_near(report.after.roca, 0);
    assert_int_equal(report.before.ham_errors, 1);
    assert_int_equal(report.before.spam_missed, 1); /* 0 is no opinion: it comes through */
    assert_true(report.z < 0);
    assert_true(report.accepted);
}

static void order_does_not_matter(void **state)
{
    struct guard_sample samples[60], turned[60];
    for (size_t i = 0; i < 60; i++)
        samples[i] =
            (struct guard_sample){i % 3 == 0, (double)(i * 37 % 17) - 8, (double)(i * 53 % 19) - 9};
    for (size_t i = 0; i < 60; i++)
        turned[i] = samples[(i * 7 + 5) % 60];
    struct guard_report one = compare(samples, 60), other = compare(turned, 60);
    assert_near(one.z, other.z);
    assert_near(one.after.roca, other.after.roca);
    /* and the other way round it is the opposite */
    for (size_t i = 0; i < 60; i++)
        turned[i] = (struct guard_sample){samples[i].spam, samples[i].after, samples[i].before};
    assert_near(compare(turned, 60).z, -one.z);
}

/* Against the definition: all pairs of a spam and a ham. */
static void the_area_is_that_of_all_pairs(void **state)
{
    struct guard_sample samples[101];
    uint64_t random = 7;
    double wrong = 0, pairs = 0;
    for (size_t i = 0; i < 101; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        samples[i] = (struct guard_sample){random >> 63, 0, (double)(random >> 40 & 31) - 16};
    }
    for (size_t i = 0; i < 101; i++)
        for (size_t k = 0; k < 101; k++)
            if (samples[i].spam && !samples[k].spam) {
                pairs++;
                wrong += samples[i].after > samples[k].after    ? 1
                         : samples[i].after == samples[k].after ? 0.5
                                                                : 0;
            }
    struct guard_report report = compare(samples, 101);
    assert_near(report.after.roca, wrong / pairs);
    assert_near(report.before.roca, 0.5);
}

static void chance_is_as_in_the_tables(void **state)
{
    assert_near(guard_sign_test(0, 0), 1);
    assert_near(guard_sign_test(1, 0), 0.5);
    assert_near(guard_sign_test(7, 0), 1 / 128.0);
    assert_near(guard_sign_test(0, 7), 1);
    assert_near(guard_sign_test(3, 2), 0.5);
    assert_near(guard_sign_test(4, 1), 6 / 32.0);
    assert_near(guard_sign_test(1000, 1000), 0.5 * (1 + 0.017839011145850));
}

/* --- what goes live --- */

static void the_same_is_accepted(void **state)
{
    struct guard_sample samples[200];
    struct guard_report report = compare(samples, well_judged(samples, 100));
    assert_true(report.accepted);
    assert_near(report.z, 0);
    assert_true(compare(samples, 0).accepted);
}

static void one_more_ham_error_is_refused(void **state)
{
    struct guard_sample samples[2000];
    size_t n = well_judged(samples, 1000);
    samples[0].after = -GUARD_CAUTION_MAX - 0.001;
    struct guard_report report = compare(samples, n);
    assert_false(report.accepted);
    assert_int_equal(report.after.ham_errors, 1);
    assert_non_null(strstr(report.reason, "of 1000 held-out ham 1 would look like spam, now 0 do"));
    /* one for another is none more */
    samples[2].before = -1;
    assert_true(compare(samples, n).accepted);
    /* also where little is held out */
    samples[2].before = 1;
    assert_false(compare(samples, 4).accepted);
    assert_false(compare(samples, 1).accepted);
}

static void caution_cures_what_is_borderline(void **state)
{
    struct guard_sample samples[2000];
    size_t n = well_judged(samples, 1000);
    samples[0].after = -0.5;
    samples[1].after = -0.25;
    struct guard_report report = compare(samples, n);
    assert_true(report.accepted);
    assert_near(report.caution, 0.5);
    assert_int_equal(report.after.ham_errors, 0);
    assert_int_equal(report.after.spam_missed, 1); /* with the caution */
    assert_int_equal(report.spam_worse, 1);
    /* one, and one more in 400, and no more */
    samples[2].after = samples[4].after = -0.3;
    report = compare(samples, n);
    assert_true(report.accepted);
    assert_near(report.caution, 0.5);
    samples[6].after = -0.1;
    report = compare(samples, n);
    assert_false(report.accepted);
    assert_near(report.caution, 0);
    assert_int_equal(report.after.ham_errors, 4);
}

static void caution_that_costs_spam_is_refused(void **state)
{
    struct guard_sample samples[200];
    size_t n = well_judged(samples, 100);
    samples[0].after = -1.2;
    struct guard_report report = compare(samples, n); /* spam down to -1.2 is missed: 21 */
    assert_false(report.accepted);
    assert_non_null(strstr(report.reason, "would miss 21 to keep ham errors as they are, not 0"));
}

/* --- drift --- */

static bool drifts(const struct guard_sample *samples, size_t n, double caution)
{
    struct guard_report report = {.accepted = true, .caution = caution};
    struct err err;
    assert_int_equal(guard_drift(samples, n, &report, &err), 0);
    assert_true(report.accepted == (report.reason[0] == '\0'));
    return !report.accepted;
}

static void drift_is_what_is_beyond_chance(void **state)
{
    struct guard_sample samples[200];
    size_t n = well_judged(samples, 100);
    assert_false(drifts(samples, n, 0));
    assert_false(drifts(samples, 0, 0));
    for (size_t i = 0; i < 6; i++)
        samples[2 * i].after = -0.1;
    assert_false(drifts(samples, n, 0));
    samples[12].after = -0.1;
    assert_true(drifts(samples, n, 0));
    assert_false(drifts(samples, n, 0.1));
    n = well_judged(samples, 100);
    for (size_t i = 0; i < 100; i++)
        samples[2 * i + 1].after = 1 - (double)i / 100;
    assert_true(drifts(samples, n, 0));
}

/* n of each class; all are judged rightly, by the new one with so much. */
static bool drifts_to(double before, double after, size_t n)
{
    struct guard_sample samples[400];
    for (size_t i = 0; i < n; i++) {
        double spread = 1e-3 * (double)i;
        samples[2 * i] = (struct guard_sample){HAM, before + spread, after + spread};
        samples[2 * i + 1] = (struct guard_sample){SPAM, -before - spread, -after - spread};
    }
    return drifts(samples, 2 * n, 0);
}

/* No error more, and the same ranking: but the rules alone would decide. */
static void a_model_worn_down_is_none(void **state)
{
    assert_true(drifts_to(6, 0.5, 100));
    assert_true(drifts_to(6, 2.8, 20)); /* 0.057 */
    assert_false(drifts_to(6, 3.2, 100));
    assert_false(drifts_to(6, 0.5, 19)); /* fewer than GUARD_FEW */
    assert_false(drifts_to(0.5, 6, 100));
    assert_false(drifts_to(8, 7, 200));
    assert_true(drifts_to(6, -1e300, 20));
}

/* Each message weighs: where one alone makes the difference it may be chance. */
static void one_surprise_may_be_chance(void **state)
{
    struct guard_sample samples[40];
    size_t n = well_judged(samples, 20);
    samples[1].after = 0.9; /* a mean of 0.02 */
    assert_false(drifts(samples, n, 0));
    samples[1].after = 8; /* 0.19, and a deviation of as much */
    assert_false(drifts(samples, n, 0));
}

static void what_was_refused_stays_so(void **state)
{
    struct guard_report report = {.accepted = false, .reason = "x"};
    struct err err;
    assert_int_equal(guard_drift(NULL, 0, &report, &err), 0);
    assert_false(report.accepted);
    assert_string_equal(report.reason, "x");
    const struct guard_sample nonsense = {SPAM, NAN, 0};
    report.accepted = true;
    assert_int_equal(guard_drift(&nonsense, 1, &report, &err), -1);
    assert_false(report.accepted);
}

/* k spams fall between the ham, where no score is below 0: only the ranking and what is missed
 * tell. */
static struct guard_report with_lost_spam(size_t of_each, size_t k)
{
    struct guard_sample samples[400];
    size_t n = well_judged(samples, of_each);
    for (size_t i = 0; i < k; i++)
        samples[2 * i + 1].after = 1.5;
    return compare(samples, n);
}

static void a_worse_ranking_beyond_chance_is_refused(void **state)
{
    struct guard_report report = with_lost_spam(200, 1);
    assert_true(report.accepted);
    assert_true(report.z > 0.9 && report.z < 1);
    assert_true(with_lost_spam(200, 4).accepted);
    report = with_lost_spam(200, 12);
    assert_false(report.accepted);
    assert_non_null(strstr(report.reason, "ranks"));
}

static void few_messages_can_not_refuse_by_chance(void **state)
{
    assert_true(with_lost_spam(GUARD_FEW - 1, GUARD_FEW - 1).accepted);
    assert_false(with_lost_spam(GUARD_FEW, GUARD_FEW).accepted);
}

/* All scores move up alike: the ranking is the same, and all spam would come through. */
static void a_shift_that_lets_spam_through_is_refused(void **state)
{
    struct guard_sample samples[100];
    size_t n = well_judged(samples, 50);
    for (size_t i = 0; i < n; i++)
        samples[i].after += 3;
    struct guard_report report = compare(samples, n);
    assert_false(report.accepted);
    assert_near(report.z, 0);
    assert_non_null(strstr(report.reason, "of 50 held-out spam it would miss 50, not 0"));
    /* not when that saves as much ham */
    for (size_t i = 0; i < 4; i++)
        samples[2 * i].before = -1;
    assert_false(compare(samples, n).accepted);
    samples[8].before = -1;
    assert_true(compare(samples, n).accepted);
}

static void total_loss_is_beyond_all_chance(void **state)
{
    struct guard_sample samples[100];
    size_t n = well_judged(samples, 50);
    for (size_t i = 0; i < n; i++) {
        samples[i].before = samples[i].spam ? 1 : 2;
        samples[i].after = samples[i].spam ? 2 : 1;
    }
    struct guard_report report = compare(samples, n);
    assert_false(report.accepted);
    assert_near(report.z, GUARD_Z_MAX);
}

static void nonsense_is_no_consent(void **state)
{
    struct guard_sample samples[] = {{SPAM, -1, -1}, {HAM, 1, NAN}};
    struct guard_report report = {.accepted = true};
    struct err err;
    assert_int_equal(guard_compare(samples, 2, &report, &err), -1);
    assert_false(report.accepted);
    samples[1].after = INFINITY;
    assert_int_equal(guard_compare(samples, 2, &report, &err), -1);
    assert_int_equal(guard_compare(samples, GUARD_SAMPLES_MAX + 1, &report, &err), -1);
}

/* --- after going live --- */

static void evidence_is_that_by_hand(void **state)
{
    assert_near(guard_watch_evidence(0, 0), 0);
    assert_near(guard_watch_evidence(1, 0), log(3 / 2.0));
    assert_near(guard_watch_evidence(1, 1), log(4 / 6.0));
    assert_near(guard_watch_evidence(8, 0), log(511 / 9.0));
    assert_near(guard_watch_evidence(0, 1), log(1 / 2.0));
}

static bool dropped(uint32_t ham_worse, uint32_t ham_better, uint32_t spam_worse,
                    uint32_t spam_better)
{
    const struct guard_watch watch = {0, ham_worse, ham_better, spam_worse, spam_better};
    return guard_watch_dropped(&watch);
}

static void a_drop_is_seen_ham_first(void **state)
{
    assert_false(dropped(0, 0, 0, 0));
    assert_false(dropped(6, 0, 0, 0));
    assert_true(dropped(7, 0, 0, 0));
    assert_true(dropped(7, 0, 0, 1000)); /* no spam found makes up for ham */
    assert_false(dropped(0, 0, 8, 0));
    assert_true(dropped(0, 0, 9, 0));
    assert_false(dropped(0, 1, 50, 0)); /* spam lost for ham saved is no drop */
    assert_false(dropped(10, 10, 10, 10));
    assert_true(dropped(30, 10, 0, 0));
}

static void only_where_they_differ_it_counts(void **state)
{
    struct guard_watch watch = {0};
    assert_false(guard_watch_add(&watch, &(struct guard_sample){HAM, 1, 2}));
    assert_false(guard_watch_add(&watch, &(struct guard_sample){HAM, -1, -2}));
    assert_false(guard_watch_add(&watch, &(struct guard_sample){SPAM, 0, 3}));
    assert_true(guard_watch_add(&watch, &(struct guard_sample){HAM, 1, -1}));
    assert_true(guard_watch_add(&watch, &(struct guard_sample){HAM, -1, 0}));
    assert_true(guard_watch_add(&watch, &(struct guard_sample){SPAM, -1, 0}));
    assert_true(guard_watch_add(&watch, &(struct guard_sample){SPAM, 0, -1}));
    assert_int_equal(watch.judged, 7);
    assert_int_equal(watch.ham_worse, 1);
    assert_int_equal(watch.ham_better, 1);
    assert_int_equal(watch.spam_worse, 1);
    assert_int_equal(watch.spam_better, 1);
}

/* Two models that are equally good differ by chance; however often one looks, a drop is seen in
 * few of many such lives. */
static void looking_often_does_not_cry_wolf(void **state)
{
    unsigned wolves = 0;
    uint64_t random = 1;
    for (unsigned life = 0; life < 1000; life++) {
        struct guard_watch watch = {0};
        bool seen = false;
        for (unsigned i = 0; i < 300 && !seen; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bool worse = random >> 63;
            guard_watch_add(&watch, &(struct guard_sample){HAM, worse ? 1 : -1, worse ? -1 : 1});
            seen = guard_watch_dropped(&watch);
        }
        wolves += seen;
    }
    assert_true(wolves <= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_by_hand),
        cmocka_unit_test(equal_scores_count_half),
        cmocka_unit_test(order_does_not_matter),
        cmocka_unit_test(the_area_is_that_of_all_pairs),
        cmocka_unit_test(chance_is_as_in_the_tables),
        cmocka_unit_test(the_same_is_accepted),
        cmocka_unit_test(one_more_ham_error_is_refused),
        cmocka_unit_test(caution_cures_what_is_borderline),
        cmocka_unit_test(caution_that_costs_spam_is_refused),
        cmocka_unit_test(drift_is_what_is_beyond_chance),
        cmocka_unit_test(a_model_worn_down_is_none),
        cmocka_unit_test(one_surprise_may_be_chance),
        cmocka_unit_test(what_was_refused_stays_so),
        cmocka_unit_test(a_worse_ranking_beyond_chance_is_refused),
        cmocka_unit_test(few_messages_can_not_refuse_by_chance),
        cmocka_unit_test(a_shift_that_lets_spam_through_is_refused),
        cmocka_unit_test(total_loss_is_beyond_all_chance),
        cmocka_unit_test(nonsense_is_no_consent),
        cmocka_unit_test(evidence_is_that_by_hand),
        cmocka_unit_test(a_drop_is_seen_ham_first),
        cmocka_unit_test(only_where_they_differ_it_counts),
        cmocka_unit_test(looking_often_does_not_cry_wolf),
    };
    return tap_run(tests, NULL, NULL);
}
