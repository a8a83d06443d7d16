/* Which server of a next hop is tried next. */
#include "t/unit/tap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/delivery/targets.h"

#define DOMAINS    1000
#define BYTES_EACH 1200

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

/* One more than there may be is not taken, and those that are stay what they are. */
static void as_many_as_there_may_be(void **state)
{
    struct targets *targets = targets_new();
    char address[32], text[64];
    assert_non_null(targets);
    for (int i = 0; i < TARGETS_MAX; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        assert_true(targets_add(targets, i % 2 ? "a.example" : "", address, 25));
    }
    assert_false(targets_add(targets, "", "192.0.2.99", 25));
    assert_int_equal(targets->n, TARGETS_MAX);
    for (int i = 0; i < TARGETS_MAX; i++) {
        snprintf(address, sizeof address, "192.0.2.%d", i);
        snprintf(text, sizeof text, "%s[%s]:25", i % 2 ? "a.example " : "", address);
        assert_string_equal(targets->list[i].place.host, address);
        assert_string_equal(targets->list[i].place.text, text);
        assert_int_equal(targets->list[i].who != NULL, i % 2);
    }
    targets_drop(&targets);
}

/* Mail may wait for twenty thousand domains, most of which have one server or two. */
static void they_take_no_more_than_they_need(void **state)
{
    static struct targets *many[DOMAINS];
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < DOMAINS; i++)
        many[i] = three();
    size_t each = (mallinfo2().uordblks - before.uordblks) / DOMAINS;
    print_message("# %zu bytes for three servers, two of them with names\n", each);
    assert_true(each <= BYTES_EACH); /* a sanitizer's memory is not counted: 0 */
    for (int i = 0; i < DOMAINS; i++)
        targets_drop(&many[i]);
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
        cmocka_unit_test(as_many_as_there_may_be),
        cmocka_unit_test(they_take_no_more_than_they_need),
        cmocka_unit_test(they_are_named_for_people),
        cmocka_unit_test(there_are_not_too_many),
        cmocka_unit_test(the_last_user_frees_them),
    };
    return tap_run(tests, NULL, NULL);
}
