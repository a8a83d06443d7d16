/* role_pool: how many workers there should be, and which of them may go. */
#include "t/unit/tap.h"

#include <unistd.h>

#include "base/role_pool.h"

static struct role_pool *open_pool(unsigned least, unsigned most, unsigned begun)
{
    struct err err;
    struct role_pool *pool = role_pool_open(least, most, &err);
    assert_non_null(pool);
    for (unsigned i = 0; i < begun; i++)
        role_pool_begins(pool, i);
    return pool;
}

static bool was_woken(const struct role_pool *pool)
{
    uint64_t wakes;
    return read(pool->wake_fd, &wakes, sizeof wakes) == sizeof wakes;
}

static void for_each_that_waits_there_is_another(void **state)
{
    struct role_pool *pool = open_pool(2, 5, 2);
    assert_int_equal(role_pool_wanted(pool), 2);
    assert_false(was_woken(pool));
    role_pool_waits(pool, 0);
    assert_true(was_woken(pool));
    assert_int_equal(role_pool_wanted(pool), 3);
    role_pool_begins(pool, 2);
    role_pool_goes_on(pool, 0);
    role_pool_waits(pool, 1);
    assert_false(was_woken(pool)); /* two are free still */
    assert_int_equal(role_pool_wanted(pool), 3);
    role_pool_close(&pool);
    assert_null(pool);
}

static void there_are_never_more_than_most(void **state)
{
    struct role_pool *pool = open_pool(1, 3, 3);
    for (unsigned i = 0; i < 3; i++)
        role_pool_waits(pool, i);
    assert_false(was_woken(pool)); /* nobody could be started */
    assert_int_equal(role_pool_wanted(pool), 3);
    assert_int_equal(role_pool_count(pool).waiting, 3);
    assert_int_equal(role_pool_count(pool).free, 0);
    role_pool_close(&pool);
}

static void who_dies_while_it_waits_is_not_waited_for(void **state)
{
    struct role_pool *pool = open_pool(1, 4, 2);
    role_pool_waits(pool, 1);
    assert_false(role_pool_ended(pool, 1));
    assert_int_equal(role_pool_wanted(pool), 1);
    role_pool_close(&pool);
}

static void those_that_were_not_needed_go(void **state)
{
    struct role_pool *pool = open_pool(2, 8, 8);
    for (unsigned i = 0; i < 4; i++)
        role_pool_waits(pool, i);
    for (unsigned i = 0; i < 4; i++)
        role_pool_goes_on(pool, i);
    assert_int_equal(role_pool_needed(pool), 6); /* four waited at once since it was asked */
    assert_int_equal(role_pool_needed(pool), 2);
    role_pool_shrink(pool, 5);
    unsigned leave = 0;
    for (unsigned i = 0; i < 8; i++)
        leave += role_pool_leaves(pool, i);
    assert_int_equal(leave, 3);
    role_pool_shrink(pool, 5); /* they are on their way already */
    assert_false(role_pool_leaves(pool, 4));
    role_pool_shrink(pool, 0);
    assert_false(role_pool_leaves(pool, 0));
    assert_false(role_pool_leaves(pool, 1));
    assert_true(role_pool_leaves(pool, 2));
    assert_true(role_pool_ended(pool, 7));
    role_pool_begins(pool, 7);
    assert_false(role_pool_leaves(pool, 7));
    role_pool_close(&pool);
}

static void bounds_hold(void **state)
{
    struct role_pool *pool = open_pool(0, 100000, 0);
    assert_int_equal(pool->least, 1);
    assert_int_equal(pool->most, ROLE_WORKERS_MAX);
    role_pool_close(&pool);
    pool = open_pool(7, 3, 0);
    assert_int_equal(pool->most, 7);
    role_pool_close(&pool);
    role_pool_waits(NULL, 0);
    role_pool_goes_on(NULL, 0);
    assert_false(role_pool_leaves(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_each_that_waits_there_is_another),
        cmocka_unit_test(there_are_never_more_than_most),
        cmocka_unit_test(who_dies_while_it_waits_is_not_waited_for),
        cmocka_unit_test(those_that_were_not_needed_go),
        cmocka_unit_test(bounds_hold),
    };
    return tap_run(tests, NULL, NULL);
}
