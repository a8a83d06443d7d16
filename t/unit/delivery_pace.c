/* How many connections a next hop gets, and when it is given up. */
#include "t/unit/tap.h"

#include "gateway/delivery/pace.h"

#define MAX 20

static struct pace of_strangers(void)
{
    struct pace pace;
    pace_begin(&pace, MAX, PACE_FIRST);
    return pace;
}

/* One message over each connection that it may have; what it gets more is opened at once. */
static void one_round(struct pace *pace, int64_t now)
{
    unsigned connections = pace_limit(pace);
    for (unsigned i = 0; i < connections; i++) {
        pace_answered(pace);
        pace_delivered(pace, pace_limit(pace), now);
    }
}

static void grows_while_it_delivers(void **state)
{
    struct pace pace = of_strangers();
    assert_int_equal(pace_limit(&pace), PACE_FIRST);
    pace_delivered(&pace, PACE_FIRST - 1, 0); /* it had no need of more */
    assert_int_equal(pace_limit(&pace), PACE_FIRST);
    pace_delivered(&pace, PACE_FIRST, 0);
    assert_int_equal(pace_limit(&pace), PACE_FIRST + 1);
    for (int i = 0; i < 10; i++)
        one_round(&pace, 0);
    assert_int_equal(pace_limit(&pace), MAX);
}

static void our_own_has_all_at_once(void **state)
{
    struct pace pace;
    pace_begin(&pace, MAX, MAX);
    assert_int_equal(pace_limit(&pace), MAX);
}

static void takes_as_many_as_it_serves(void **state)
{
    struct pace pace;
    pace_begin(&pace, MAX, MAX);
    for (unsigned others = 15; others >= 10; others--)
        pace_refused(&pace, others, 100);
    assert_int_equal(pace_limit(&pace), 10);
    pace_refused(&pace, 12, 100); /* it never gets more by that */
    assert_int_equal(pace_limit(&pace), 10);
    one_round(&pace, 100 + PACE_REFUSED_SECONDS - 1);
    assert_int_equal(pace_limit(&pace), 10);
    one_round(&pace, 100 + PACE_REFUSED_SECONDS); /* one more in a round, to find out */
    assert_int_equal(pace_limit(&pace), 11);
    pace_refused(&pace, 0, 200);
    assert_int_equal(pace_limit(&pace), 1);
}

static void breaking_off_together_is_one_reason(void **state)
{
    struct pace pace;
    pace_begin(&pace, MAX, MAX);
    for (int i = 0; i < 5; i++)
        pace_broke(&pace, false, 50);
    assert_int_equal(pace_limit(&pace), MAX / 2);
    pace_broke(&pace, false, 50 + PACE_SLOWED_SECONDS);
    assert_int_equal(pace_limit(&pace), MAX / 4);
    for (int i = 2; i < 100; i++)
        pace_broke(&pace, false, 50 + i * PACE_SLOWED_SECONDS);
    assert_int_equal(pace_limit(&pace), 1);
}

static void slow_above_where_it_was_too_much(void **state)
{
    struct pace pace;
    pace_begin(&pace, MAX, MAX);
    pace_broke(&pace, false, 0);
    assert_int_equal(pace_limit(&pace), 10);
    one_round(&pace, PACE_SLOWED_SECONDS - 1);
    assert_int_equal(pace_limit(&pace), 10);
    one_round(&pace, PACE_SLOWED_SECONDS);
    assert_int_equal(pace_limit(&pace), 11);
    one_round(&pace, PACE_SLOWED_SECONDS);
    assert_in_range(pace_limit(&pace), 11, 12);
}

static void putting_off_takes_one_away(void **state)
{
    struct pace pace = of_strangers();
    pace_put_off(&pace, 0);
    pace_put_off(&pace, 1);
    assert_int_equal(pace_limit(&pace), PACE_FIRST - 1);
    for (int i = 1; i < 100; i++)
        pace_put_off(&pace, i * PACE_SLOWED_SECONDS);
    assert_int_equal(pace_limit(&pace), 1);
    assert_false(pace_is_broken(&pace));
}

static void broken_are_so_many_in_a_row(void **state)
{
    struct pace pace = of_strangers();
    for (int i = 1; i < PACE_BROKEN; i++)
        pace_broke(&pace, false, i);
    assert_false(pace_is_broken(&pace));
    pace_answered(&pace);
    for (int i = 1; i < PACE_BROKEN; i++)
        pace_broke(&pace, false, i);
    assert_false(pace_is_broken(&pace));
    pace_broke(&pace, false, 9);
    assert_true(pace_is_broken(&pace));
    pace_answered(&pace);
    assert_false(pace_is_broken(&pace));
}

static void back_again_is_not_all_at_once(void **state)
{
    struct pace pace;
    pace_begin(&pace, MAX, MAX);
    pace_again(&pace);
    assert_int_equal(pace_limit(&pace), PACE_FIRST);
    for (int i = 0; i < 4; i++)
        one_round(&pace, 0);
    assert_int_equal(pace_limit(&pace), MAX);
}

/* A connection to one that hangs is lost for minutes. */
static void one_that_never_delivered_hangs_on_one_connection(void **state)
{
    struct pace pace = of_strangers();
    pace_answered(&pace); /* it refused somebody, which proves nothing */
    pace_broke(&pace, true, 0);
    assert_int_equal(pace_limit(&pace), 1);
    assert_false(pace_is_broken(&pace));
    pace_forget(&pace); /* a person asks for a new try: it is by one */
    pace_again(&pace);
    assert_int_equal(pace_limit(&pace), 1);
    one_round(&pace, 100);
    assert_int_equal(pace_limit(&pace), 2);
    for (int i = 0; i < 100; i++)
        one_round(&pace, 100 + i);
    assert_int_equal(pace_limit(&pace), MAX);
}

static void one_that_delivered_may_hang_now_and_then(void **state)
{
    struct pace pace = of_strangers();
    for (int i = 0; i < 10; i++)
        one_round(&pace, 0);
    pace_broke(&pace, true, 50);
    assert_int_equal(pace_limit(&pace), MAX / 2);
    for (int i = 1; i < PACE_BROKEN; i++)
        pace_broke(&pace, true, 50);
    assert_true(pace_is_broken(&pace));
    assert_int_equal(pace_limit(&pace), 1);
    pace_answered(&pace); /* that it answers once is not that it delivers */
    pace_again(&pace);
    assert_int_equal(pace_limit(&pace), 1);
    pace_broke(&pace, true, 100);
    assert_int_equal(pace_limit(&pace), 1);
}

static void small_limits_hold(void **state)
{
    struct pace pace;
    pace_begin(&pace, 1, 1);
    one_round(&pace, 0);
    assert_int_equal(pace_limit(&pace), 1);
    pace_broke(&pace, false, 0);
    pace_again(&pace);
    assert_int_equal(pace_limit(&pace), 1);
    pace_forget(&pace);
    one_round(&pace, 0);
    assert_int_equal(pace_limit(&pace), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_while_it_delivers),
        cmocka_unit_test(our_own_has_all_at_once),
        cmocka_unit_test(takes_as_many_as_it_serves),
        cmocka_unit_test(breaking_off_together_is_one_reason),
        cmocka_unit_test(slow_above_where_it_was_too_much),
        cmocka_unit_test(putting_off_takes_one_away),
        cmocka_unit_test(broken_are_so_many_in_a_row),
        cmocka_unit_test(back_again_is_not_all_at_once),
        cmocka_unit_test(one_that_never_delivered_hangs_on_one_connection),
        cmocka_unit_test(one_that_delivered_may_hang_now_and_then),
        cmocka_unit_test(small_limits_hold),
    };
    return tap_run(tests, NULL, NULL);
}
