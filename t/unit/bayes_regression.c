#include "t/unit/tap.h"

#include <math.h>
#include <stdlib.h>

#include "bayes/model/lesson.h"

#define GRAMS 500

/* What is known by all tests, changed by each. */
static int32_t *weights;

static int make_weights(void **state)
{
    weights = calloc(GRAM_WEIGHTS, sizeof *weights);
    return weights ? 0 : -1;
}

static int free_weights(void **state)
{
    free(weights);
    return 0;
}

/* Every third position from `first` on. */
static void grams_from(uint32_t first, uint32_t grams[GRAMS])
{
    for (uint32_t i = 0; i < GRAMS; i++)
        grams[i] = first + 3 * i;
}

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-6))
        fail_msg("%.9f is not %.9f", a, b);
}

static void a_step_is_rate_times_error(void **state)
{
    /* at a score of 0 both classes are as likely: an error of a half */
    assert_int_equal(regression_step(0, true), lround(0.004 * 0.5 * WEIGHT_ONE));
    assert_int_equal(regression_step(0, false), -regression_step(0, true));
    assert_true(regression_step(-50, true) <= 0.004 * WEIGHT_ONE);
    assert_true(regression_step(-50, true) > 0.0039 * WEIGHT_ONE);
    assert_true(regression_step(2.9, true) > 0);
    assert_int_equal(regression_step(3.1, true), 0);
    assert_int_equal(regression_step(-3.1, false), 0);
    assert_true(regression_step(3.1, false) < 0);
}

static void learning_moves_the_score_by_all_grams(void **state)
{
    uint32_t grams[GRAMS], others[GRAMS];
    grams_from(7, grams);
    grams_from(8, others);
    assert_near(regression_score(weights, grams, GRAMS), 0);
    regression_apply(weights, grams, GRAMS, WEIGHT_ONE / 100);
    assert_true(fabs(regression_score(weights, grams, GRAMS) - GRAMS / 100.0) < 1e-3);
    assert_near(regression_score(weights, others, GRAMS), 0);
    assert_near(regression_score(weights, grams, 0), 0);
}

static void learning_separates_what_differs(void **state)
{
    uint32_t ham[GRAMS], spam[GRAMS];
    grams_from(0, ham);
    grams_from(GRAMS, spam); /* a third of them are the same */
    for (unsigned i = 0; i < 50; i++) {
        regression_apply(weights, ham, GRAMS,
                         regression_step(regression_score(weights, ham, GRAMS), false));
        regression_apply(weights, spam, GRAMS,
                         regression_step(regression_score(weights, spam, GRAMS), true));
    }
    assert_true(regression_score(weights, ham, GRAMS) < -2);
    assert_true(regression_score(weights, spam, GRAMS) > 2);
}

static void taking_back_in_any_order_leaves_nothing(void **state)
{
    int32_t steps[20];
    uint32_t grams[GRAMS];
    for (unsigned i = 0; i < 20; i++) {
        grams_from(i * 11, grams);
        steps[i] = regression_step(regression_score(weights, grams, GRAMS), i % 3 == 0);
        regression_apply(weights, grams, GRAMS, steps[i]);
    }
    for (unsigned i = 0; i < 20; i++) {
        unsigned k = i * 7 % 20;
        grams_from(k * 11, grams);
        regression_apply(weights, grams, GRAMS, -steps[k]);
    }
    for (size_t i = 0; i < GRAM_WEIGHTS; i++)
        assert_int_equal(weights[i], 0);
}

static void a_weight_wraps_and_comes_back(void **state)
{
    const uint32_t gram = 5;
    weights[gram] = INT32_MAX;
    regression_apply(weights, &gram, 1, 10);
    assert_int_equal(weights[gram], INT32_MIN + 9);
    regression_apply(weights, &gram, 1, -10);
    assert_int_equal(weights[gram], INT32_MAX);
}

static void fusion_is_better_than_one_member_and_never_one_sided(void **state)
{
    const struct fusion none = {{0}};
    const double agree[FUSION_INPUTS] = {4, 3}, tokens[FUSION_INPUTS] = {4, 0},
                 grams[FUSION_INPUTS] = {0, 3}, quarrel[FUSION_INPUTS] = {4, -3},
                 nothing[FUSION_INPUTS] = {0, 0};
    assert_near(fusion_score(&none, nothing), 0);
    assert_true(fusion_score(&none, agree) > fusion_score(&none, tokens));
    assert_true(fusion_score(&none, agree) > fusion_score(&none, grams));
    assert_true(fabs(fusion_score(&none, quarrel)) < fusion_score(&none, tokens));
    const double loud[FUSION_INPUTS] = {1e9, -1e9};
    assert_true(fabs(fusion_score(&none, loud)) < 20);
}

/* The first member is always wrong: it loses weight, but never its say. */
static void learning_stays_within_bounds(void **state)
{
    struct fusion fusion = {{0}};
    int32_t step[FUSION_INPUTS], sum[FUSION_INPUTS] = {0};
    const double inputs[FUSION_INPUTS] = {8, -1}, one[FUSION_INPUTS] = {1, 0};
    const struct fusion none = fusion;
    double before = fusion_score(&none, one);
    for (unsigned i = 0; i < 100000; i++) {
        fusion_step(&fusion, inputs, false, step);
        fusion_apply(&fusion, step, 1);
        for (size_t k = 0; k < FUSION_INPUTS; k++)
            sum[k] += step[k];
    }
    assert_true(fusion_score(&fusion, one) < before);
    assert_true(fusion_score(&fusion, one) >= before / 2 - 1e-9);
    assert_true(abs(sum[FUSION_TOKENS]) < FUSION_ONE); /* it did not wind up */
    fusion_apply(&fusion, sum, -1);
    for (size_t k = 0; k < FUSION_INPUTS; k++)
        assert_int_equal(fusion.learned[k], 0);
}

static void a_lesson_needs_both_classes_for_the_fusion(void **state)
{
    uint32_t grams[GRAMS];
    const uint64_t tokens[] = {1, 2, 3};
    const struct model_counts counts[] = {{10, 0}, {10, 0}, {10, 0}};
    struct features_view view = {tokens, 3, grams, GRAMS};
    struct knowledge known = {.spam = 10, .ham = 0, .weights = weights};
    struct lesson lesson;
    grams_from(0, grams);
    lesson_make(&view, counts, &known, LEARN_HAM, &lesson);
    assert_int_equal(lesson.gram_step, regression_step(0, false));
    for (size_t k = 0; k < FUSION_INPUTS; k++)
        assert_int_equal(lesson.fusion_step[k], 0);
    known.ham = 10;
    lesson_make(&view, counts, &known, LEARN_HAM, &lesson);
    assert_true(lesson.fusion_step[FUSION_TOKENS] < 0); /* its tokens said spam */
    lesson_make(&view, counts, &known, LEARN_SPAM, &lesson);
    assert_true(lesson.fusion_step[FUSION_TOKENS] > 0);
    regression_apply(weights, grams, GRAMS, WEIGHT_ONE / 10);
    lesson_make(&view, counts, &known, LEARN_SPAM, &lesson);
    assert_int_equal(lesson.gram_step, 0); /* far from any error */
    view.n_grams = 0;
    lesson_make(&view, counts, &known, LEARN_SPAM, &lesson);
    assert_int_equal(lesson.gram_step, 0);
}

#define WITH_WEIGHTS(test) cmocka_unit_test_setup_teardown(test, make_weights, free_weights)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_rate_times_error),
        WITH_WEIGHTS(learning_moves_the_score_by_all_grams),
        WITH_WEIGHTS(learning_separates_what_differs),
        WITH_WEIGHTS(taking_back_in_any_order_leaves_nothing),
        WITH_WEIGHTS(a_weight_wraps_and_comes_back),
        cmocka_unit_test(fusion_is_better_than_one_member_and_never_one_sided),
        cmocka_unit_test(learning_stays_within_bounds),
        WITH_WEIGHTS(a_lesson_needs_both_classes_for_the_fusion),
    };
    return tap_run(tests, NULL, NULL);
}
