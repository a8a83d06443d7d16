/* Which server of a next hop is tried next. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "gateway/delivery/targets.h"

static struct targets *three(void)
{
    struct targets *targets = targets_new();
    assert_non_null(targets);
    assert_true(targets_add(targets, "a.example", "192.0.2.1", 25));
    assert_true(targets_add(targets, "b.example", "2001:db8::2", 25));
    assert_true(targets_add(targets, "", "192.0.2.3", 2525));
    return targets;
}

static void in_their_order(void **state)
{
    struct targets *targets = three();
    assert_int_equal(targets_next(targets, 0, 100), 0);
    assert_int_equal(targets_next(targets, 1, 100), 1);
    assert_int_equal(targets_next(targets, 3, 100), 2);
    assert_int_equal(targets_next(targets, 7, 100), TARGET_NONE);
    targets_drop(&targets);
    assert_null(targets);
}

static void what_is_down_comes_last(void **state)
{
    struct targets *targets = three();
    target_failed(&targets->list[0], 100, 60);
    assert_int_equal(targets_next(targets, 0, 159), 1);
    assert_int_equal(targets_next(targets, 6, 159), 0);
    assert_int_equal(targets_next(targets, 0, 160), 0);
    targets_hurry(targets);
    assert_int_equal(targets_next(targets, 0, 101), 0);
    targets_drop(&targets);
}

static void one_finds_out_whether_it_is_back(void **state)
{
    struct targets *targets = three();
    struct target *first = &targets->list[0];
    target_begin(first, 50, 60);
    assert_int_equal(targets_next(targets, 0, 50), 0); /* it never failed: all may */
    target_failed(first, 100, 60);
    target_begin(first, 160, 60);
    assert_int_equal(targets_next(targets, 0, 161), 1);
    target_works(first);
    assert_int_equal(targets_next(targets, 0, 161), 0);
    assert_int_equal(first->failures, 0);
    targets_drop(&targets);
}

static void they_are_named_for_people(void **state)
{
    struct targets *targets = three();
    assert_string_equal(targets->list[0].place.text, "a.example [192.0.2.1]:25");
    assert_string_equal(targets->list[1].place.text, "b.example [2001:db8::2]:25");
    assert_string_equal(targets->list[1].place.host, "2001:db8::2");
    assert_string_equal(targets->list[2].place.text, "[192.0.2.3]:2525");
    targets_drop(&targets);
}

static void there_are_not_too_many(void **state)
{
    struct targets *targets = targets_new();
    assert_non_null(targets);
    for (size_t i = 0; i < TARGETS_MAX; i++)
        assert_true(targets_add(targets, "a.example", "192.0.2.1", 25));
    assert_false(targets_add(targets, "a.example", "192.0.2.1", 25));
    assert_int_equal(targets->n, TARGETS_MAX);
    targets_drop(&targets);
}

static void the_last_user_frees_them(void **state)
{
    struct targets *targets = three();
    struct targets *other = targets_hold(targets);
    targets_drop(&targets);
    assert_int_equal(targets_next(other, 0, 1), 0);
    targets_drop(&other);
    targets_drop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_their_order),
        cmocka_unit_test(what_is_down_comes_last),
        cmocka_unit_test(one_finds_out_whether_it_is_back),
        cmocka_unit_test(they_are_named_for_people),
        cmocka_unit_test(there_are_not_too_many),
        cmocka_unit_test(the_last_user_frees_them),
    };
    return tap_run(tests, NULL, NULL);
}
