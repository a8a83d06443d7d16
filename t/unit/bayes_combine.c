#include "t/unit/tap.h"

#include <math.h>

#include "bayes/model/combine.h"

#define assert_near(x, y)                                                                          \
    do {                                                                                           \
        double x_ = (x), y_ = (y);                                                                 \
        if (!(fabs(x_ - y_) <= 1e-9 * (1 + fabs(y_))))                                             \
            fail_msg("%.15g is not %.15g", x_, y_);                                                \
    } while (0)

static void tail_is_what_the_closed_forms_say(void **state)
{
    for (double x = 0.001; x < 2000; x *= 1.3) {
        assert_near(gamma_log_tail(1, x), -x);
        assert_near(gamma_log_tail(2, x), log1p(x) - x);
        assert_near(gamma_log_tail(3, x), log(1 + x + x * x / 2) - x);
    }
    for (double x = 0.001; x < 20; x *= 1.3)
        assert_near(gamma_log_tail(0.5, x), log(erfc(sqrt(x))));
    assert_near(gamma_log_tail(4.2, 0), 0);
}

static void tail_falls_without_a_step(void **state)
{
    for (double a = 0.1; a < 9; a += 0.37) {
        double before = gamma_log_tail(a, 0.01);
        for (double x = 0.02; x < 60; x += 0.01) {
            double now = gamma_log_tail(a, x);
            assert_true(now <= before + 1e-12 && now > before - 0.3);
            before = now;
        }
    }
}

static void tail_stays_finite(void **state)
{
    assert_true(isfinite(gamma_log_tail(8, 1e7)));
    assert_true(isfinite(gamma_log_tail(1e-3, 1e4)));
    assert_true(isfinite(gamma_log_tail(8, 1e-300)));
}

static void tokens_lean_to_where_they_were_seen(void **state)
{
    assert_near(token_probability((struct model_counts){5, 5}, 100, 100), 0.5);
    assert_true(fabs(token_probability((struct model_counts){10, 5}, 200, 100) - 0.5) < 0.01);
    assert_true(token_probability((struct model_counts){1, 0}, 100, 100) > 0.98);
    assert_true(token_probability((struct model_counts){100, 0}, 100, 100) >
                token_probability((struct model_counts){1, 0}, 100, 100));
    double most = token_probability((struct model_counts){UINT32_MAX, 0}, UINT32_MAX, 1);
    double least = token_probability((struct model_counts){0, UINT32_MAX}, 1, UINT32_MAX);
    assert_true(most < 1 && least > 0);
}

static struct combination of(size_t n_spam, size_t n_ham, double p)
{
    double sure = log(p), unsure = log1p(-p);
    struct combination c = COMBINATION_NONE;
    c.n = n_spam + n_ham;
    c.log_spam = (double)n_spam * sure + (double)n_ham * unsure;
    c.log_ham = (double)n_spam * unsure + (double)n_ham * sure;
    return c;
}

static double evidence(size_t n_spam, size_t n_ham, double p)
{
    struct combination c = of(n_spam, n_ham, p);
    return combination_evidence(&c);
}

static void evidence_is_even_handed(void **state)
{
    assert_near(evidence(0, 0, 0.99), 0);
    assert_near(evidence(10, 10, 0.99), 0);
    assert_near(evidence(30, 10, 0.99), -evidence(10, 30, 0.99));
    assert_true(evidence(30, 10, 0.99) > 0);
    assert_true(evidence(10, 0, 0.99) > evidence(2, 0, 0.99));
    assert_true(isfinite(evidence(20000, 0, 1 - 1e-12)));
    assert_true(evidence(20000, 0, 1 - 1e-12) > evidence(20000, 0, 1 - 1e-9));
}

static void scores_stay_within_what_was_taught(void **state)
{
    assert_true(odds_score(40, 10000, 10000) == -8);
    assert_true(odds_score(-40, 10000, 10000) == 8);
    assert_near(odds_score(40, 10, 10000), -log(11));
    assert_near(odds_score(-40, 10000, 1), log(2));
    assert_true(odds_score(0, 10000, 10000) == 0);
}

/* A message that no rule hits has 5 points of its own. */
static void one_weak_hint_tips_nothing_and_many_strong_ones_do(void **state)
{
    assert_true(odds_score(evidence_odds(evidence(1, 0, 0.99)), 5000, 5000) > -2.5);
    assert_true(odds_score(evidence_odds(evidence(60, 2, 0.999)), 5000, 5000) < -5);
    assert_true(odds_score(evidence_odds(evidence(60, 2, 0.999)), 20, 20) > -5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tail_is_what_the_closed_forms_say),
        cmocka_unit_test(tail_falls_without_a_step),
        cmocka_unit_test(tail_stays_finite),
        cmocka_unit_test(tokens_lean_to_where_they_were_seen),
        cmocka_unit_test(evidence_is_even_handed),
        cmocka_unit_test(scores_stay_within_what_was_taught),
        cmocka_unit_test(one_weak_hint_tips_nothing_and_many_strong_ones_do),
    };
    return tap_run(tests, NULL, NULL);
}
