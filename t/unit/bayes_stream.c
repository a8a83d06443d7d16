#include "t/unit/tap.h"

#include <math.h>
#include <stdlib.h>

#include "bayes/model/measure.h"
#include "bayes/model/stream.h"

static void assert_near(double a, double b)
{
    if (!(fabs(a - b) < 1e-9))
        fail_msg("%.12f is not %.12f", a, b);
}

/* --- measures --- */

/* 4 ham, 5 spam; by hand: of the 20 pairs, the ham at 3 stands above the spam at 1 and 2, and
 * beside that at 3; the ham at 1 beside the spam at 1. 2 + 1/2 + 1/2 = 3 of 20 are wrong. */
static void pairs_in_the_wrong_order(void **state)
{
    struct judged list[] = {{3, false, true},   {1, true, false}, {5, true, true},
                            {-2, false, false}, {3, true, true},  {1, false, false},
                            {2, true, false},   {9, true, true},  {-7, false, false}};
    struct measures m;
    measure(list, 9, &m);
    assert_int_equal(m.ham, 4);
    assert_int_equal(m.spam, 5);
    assert_near(m.above_roc, 15);
    assert_near(m.hm, 25);
    assert_near(m.sm, 40);
    /* odds 1/3 and 2/3: the square root of their product is 0.4714 */
    assert_near(m.lam, 100 * sqrt(2.0 / 9) / (1 + sqrt(2.0 / 9)));
    assert_near(m.sm_at_hm, 60); /* above 3, so that no ham is lost: only 5 and 9 are found */
}

static void perfect_reversed_and_all_the_same(void **state)
{
    struct judged good[] = {{1, true, true}, {0, false, false}};
    struct judged bad[] = {{0, true, false}, {1, false, true}};
    struct judged same[] = {{0, true, false}, {0, false, false}};
    struct measures m;
    measure(good, 2, &m);
    assert_near(m.above_roc, 0);
    assert_near(m.lam, 0);
    assert_near(m.sm_at_hm, 0);
    measure(bad, 2, &m);
    assert_near(m.above_roc, 100);
    assert_near(m.lam, 100);
    assert_near(m.sm_at_hm, 100);
    measure(same, 2, &m);
    assert_near(m.above_roc, 50);
    assert_near(m.sm_at_hm, 100);
}

/* 2000 ham: two may be lost. */
static void a_thousandth_of_ham_may_be_lost(void **state)
{
    enum { HAM = 2000, SPAM = 10 };
    struct judged *list = calloc(HAM + SPAM, sizeof *list);
    struct measures m;
    assert_non_null(list);
    for (size_t i = 0; i < HAM; i++)
        list[i] = (struct judged){i < 3 ? 100 - (double)i : -1, false, false};
    for (size_t i = 0; i < SPAM; i++)
        list[HAM + i] = (struct judged){i < 4 ? 97.5 : 99.5, true, true};
    measure(list, HAM + SPAM, &m);
    assert_near(m.sm_at_hm, 40); /* the third ham stands at 98, above four spam */
    for (size_t i = 0; i < HAM + SPAM; i++)
        if (!list[i].spam && list[i].score > 97)
            list[i].score = 99; /* all three at once */
    measure(list, HAM + SPAM, &m);
    assert_near(m.sm_at_hm, 40);
    free(list);
}

static void one_class_alone_has_no_measure(void **state)
{
    struct judged list[] = {{1, true, false}, {2, true, true}};
    struct measures m;
    measure(list, 2, &m);
    assert_int_equal(m.spam, 2);
    assert_near(m.sm, 0);
    measure(list, 0, &m);
    assert_int_equal(m.spam, 0);
}

/* --- feedback --- */

static void feedback_is_read(void **state)
{
    struct feedback f;
    assert_true(feedback_parse(STR("immediate"), &f) && f.kind == FEEDBACK_IMMEDIATE);
    assert_true(feedback_parse(STR("errors"), &f) && f.kind == FEEDBACK_ERRORS);
    assert_true(feedback_parse(STR("delayed=300"), &f) && f.kind == FEEDBACK_DELAYED);
    assert_int_equal(f.delay, 300);
    assert_true(feedback_parse(STR("partial=0.25"), &f) && f.kind == FEEDBACK_PARTIAL);
    assert_near(f.share, 0.25);
    assert_true(feedback_parse(STR("partial=25"), &f));
    assert_near(f.share, 0.25);
    assert_true(feedback_parse(STR("partial=0.5%"), &f));
    assert_near(f.share, 0.005);
    assert_true(feedback_parse(STR("first=50"), &f) && f.kind == FEEDBACK_FIRST);
    assert_int_equal(f.first, 50);
    static const char *const bad[] = {"",
                                      "never",
                                      "delayed",
                                      "delayed=",
                                      "delayed=x",
                                      "delayed=-1",
                                      "delayed=2000000",
                                      "partial=",
                                      "partial=101",
                                      "partial=-1",
                                      "partial=nan",
                                      "partial=1e",
                                      "immediate=1",
                                      "errors=2",
                                      "partial=0x10%x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (feedback_parse(str_of(bad[i]), &f))
            fail_msg("\"%s\" was taken", bad[i]);
}

/* --- the filter in memory --- */

#define TOKENS 30
#define GRAMS  200

struct mail {
    struct feature list[TOKENS];
    uint32_t grams[GRAMS];
    struct features features;
};

/* A third of its features are the class's, the others its own. */
static void mail_make(struct mail *mail, uint64_t number, bool spam)
{
    for (uint64_t i = 0; i < TOKENS; i++)
        mail->list[i] =
            (struct feature){i < 10 ? 1 + i + 100 * spam : 1000 + i + number * TOKENS, STR("x")};
    for (uint32_t i = 0; i < GRAMS; i++)
        mail->grams[i] = i < 60 ? i * 2 + spam : 1000 + i * 500 + (uint32_t)(number * 37 % 500);
    mail->features =
        (struct features){.list = mail->list, .n = TOKENS, .grams = mail->grams, .n_grams = GRAMS};
}

static struct stream *stream_of(const char *feedback)
{
    struct feedback f;
    struct err err;
    assert_true(feedback_parse(str_of(feedback), &f));
    struct stream *stream = stream_new(&f, &err);
    assert_non_null(stream);
    return stream;
}

/* from..to, every other one spam; returns how many were called what they are. */
static unsigned play(struct stream *stream, uint64_t from, uint64_t to)
{
    struct pool *pool = pool_new(1 << 20);
    unsigned right = 0;
    for (uint64_t i = from; i < to; i++) {
        struct err err;
        struct mail mail;
        struct bayes_result result;
        bool spam = i % 2;
        mail_make(&mail, i, spam);
        pool_reset(pool);
        assert_int_equal(stream_classify(stream, &mail.features, pool, &result, &err), 0);
        bool wrong = spam != (result.score < 0);
        right += !wrong;
        assert_int_equal(stream_tell(stream, &mail.features, spam, wrong, &err), 0);
    }
    pool_free(&pool);
    return right;
}

static uint64_t learned(const struct stream *stream)
{
    struct knowledge known = online_knowledge(stream_filter(stream));
    return known.spam + known.ham;
}

static void it_learns_at_once(void **state)
{
    struct stream *stream = stream_of("immediate");
    play(stream, 0, 20);
    assert_int_equal(learned(stream), 20);
    assert_int_equal(play(stream, 20, 120), 100);
    stream_free(&stream);
    assert_null(stream);
}

static void it_learns_later(void **state)
{
    struct stream *stream = stream_of("delayed=50");
    play(stream, 0, 50);
    assert_int_equal(learned(stream), 0);
    play(stream, 50, 60);
    assert_int_equal(learned(stream), 10);
    stream_free(&stream);
}

static void it_learns_a_share_the_same_each_time(void **state)
{
    struct stream *stream = stream_of("partial=0.25"), *again = stream_of("partial=25%"),
                  *none = stream_of("partial=0");
    play(stream, 0, 1000);
    play(again, 0, 1000);
    play(none, 0, 100);
    assert_in_range(learned(stream), 200, 300);
    assert_int_equal(learned(stream), learned(again));
    assert_int_equal(learned(none), 0);
    stream_free(&stream);
    stream_free(&again);
    stream_free(&none);
}

static void it_learns_errors_only(void **state)
{
    struct stream *stream = stream_of("errors");
    play(stream, 0, FEEDBACK_ERRORS_FIRST);
    assert_int_equal(learned(stream), FEEDBACK_ERRORS_FIRST);
    unsigned right = play(stream, FEEDBACK_ERRORS_FIRST, 500);
    assert_int_equal(learned(stream), 500 - right);
    stream_free(&stream);
}

static void it_learns_the_first_only(void **state)
{
    struct stream *stream = stream_of("first=50");
    play(stream, 0, 200);
    assert_int_equal(learned(stream), 50);
    stream_free(&stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_in_the_wrong_order),
        cmocka_unit_test(perfect_reversed_and_all_the_same),
        cmocka_unit_test(a_thousandth_of_ham_may_be_lost),
        cmocka_unit_test(one_class_alone_has_no_measure),
        cmocka_unit_test(feedback_is_read),
        cmocka_unit_test(it_learns_at_once),
        cmocka_unit_test(it_learns_later),
        cmocka_unit_test(it_learns_a_share_the_same_each_time),
        cmocka_unit_test(it_learns_errors_only),
        cmocka_unit_test(it_learns_the_first_only),
    };
    return tap_run(tests, NULL, NULL);
}
