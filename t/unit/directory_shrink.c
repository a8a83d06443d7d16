/* Which loss of an LDAP snapshot is believed, and when; who serves on. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "directory/ldap/shrink.h"
#include "directory/table.h"

#define HOUR 3600

static const struct conf_ldap usual = {.name = "x", .shrink_limit = 20, .shrink_hold = 72 * HOUR};

static void a_small_loss_is_believed(void **state)
{
    struct shrink s = {0};
    assert_false(shrink_holds(&s, &usual, 1000, 1000));
    assert_false(shrink_holds(&s, &usual, 800, 2000));
    assert_int_equal(s.most, 1000);
    assert_false(shrink_holds(&s, &usual, 1200, 3000));
    assert_int_equal(s.most, 1200);
}

/* What one that half empty says again and again stays unbelieved, until its time is over. */
static void a_large_loss_is_held_for_its_time(void **state)
{
    struct shrink s = {0};
    assert_false(shrink_holds(&s, &usual, 1000, 1000));
    for (time_t at = 0; at < 72 * HOUR; at += 60)
        assert_true(shrink_holds(&s, &usual, 500, 2000 + at));
    assert_int_equal(s.held_since, 2000);
    assert_int_equal(shrink_until(&s, &usual), 2000 + 72 * HOUR);
    assert_false(shrink_holds(&s, &usual, 500, 2000 + 72 * HOUR));
    assert_int_equal(s.held_since, 0);
    assert_false(shrink_holds(&s, &usual, 450, 2000 + 73 * HOUR));
}

static void who_comes_back_ends_it(void **state)
{
    struct shrink s = {0};
    shrink_holds(&s, &usual, 1000, 1000);
    assert_true(shrink_holds(&s, &usual, 10, 2000));
    assert_false(shrink_holds(&s, &usual, 900, 3000));
    assert_int_equal(s.held_since, 0);
    assert_true(shrink_holds(&s, &usual, 10, 90 * HOUR));
    assert_int_equal(s.held_since, 90 * HOUR);
}

/* A job that deletes everybody takes a tenth each time. */
static void many_small_losses_are_one(void **state)
{
    struct shrink s = {0};
    uint64_t n = 1000;
    shrink_holds(&s, &usual, n, 1000);
    assert_false(shrink_holds(&s, &usual, 900, 1900));
    assert_false(shrink_holds(&s, &usual, 810, 2800));
    assert_true(shrink_holds(&s, &usual, 729, 3700));
    /* over weeks they are people who left */
    s = (struct shrink){0};
    for (unsigned week = 0; week < 20; week++, n = n * 9 / 10)
        assert_false(shrink_holds(&s, &usual, n, 1000 + (time_t)week * 7 * 24 * HOUR));
}

static void a_manager_has_the_last_word(void **state)
{
    struct conf_ldap endless = usual;
    struct shrink s = {0};
    endless.shrink_hold = 0;
    shrink_holds(&s, &endless, 1000, 1000);
    assert_false(shrink_accept(&s, 1500));
    assert_true(shrink_holds(&s, &endless, 500, 2000));
    assert_true(shrink_holds(&s, &endless, 500, 2000 + 1000 * HOUR));
    assert_int_equal(shrink_until(&s, &endless), 0);
    assert_true(shrink_accept(&s, 2001 + 1000 * HOUR));
    assert_false(shrink_holds(&s, &endless, 495, 2002 + 1000 * HOUR));
    /* … about what he saw, and not about what is lost after it */
    assert_true(shrink_holds(&s, &endless, 300, 2003 + 1000 * HOUR));
}

static void settings_and_clocks_do_no_harm(void **state)
{
    struct conf_ldap all = usual;
    struct shrink s = {0};
    all.shrink_limit = 100;
    shrink_holds(&s, &all, 1000000, 1000);
    assert_false(shrink_holds(&s, &all, 1, 1001));
    s = (struct shrink){.most = UINT64_MAX, .most_at = 5000, .held_since = 5000};
    assert_true(shrink_holds(&s, &usual, 1, 1000));
    assert_int_equal(s.held_since, 1000);
}

static struct table *people(unsigned from, unsigned to)
{
    struct table *table = table_new();
    struct table_entry old;
    char address[40], more[20];
    for (unsigned i = from; i < to; i++) {
        snprintf(address, sizeof address, "u%u@a.example", i);
        snprintf(more, sizeof more, "%u of %u", i, from);
        const struct table_entry entry = {.address = str_of(address), .more = str_of(more)};
        assert_int_equal(table_add(table, &entry, &old), 1);
    }
    return table;
}

static void tables_are_put_together(void **state)
{
    struct table *fresh = people(1500, 3000), *before = people(0, 2000), *none = table_new();
    struct table_entry entry;
    size_t at = 0, n = 0;
    assert_int_equal(table_add_missing(fresh, before), 0);
    assert_int_equal(table_add_missing(fresh, none), 0);
    assert_int_equal(table_count(fresh), 3000);
    while (table_next(fresh, &at, &entry))
        n++;
    assert_int_equal(n, 3000);
    assert_true(table_find(fresh, STR("u1700@a.example"), &entry));
    assert_str(entry.more, "1700 of 1500"); /* the newer word */
    assert_true(table_find(fresh, STR("u7@a.example"), &entry));
    assert_str(entry.more, "7 of 0");
    at = 0;
    assert_false(table_next(none, &at, &entry));
    table_free(&fresh);
    table_free(&before);
    table_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_loss_is_believed),
        cmocka_unit_test(a_large_loss_is_held_for_its_time),
        cmocka_unit_test(who_comes_back_ends_it),
        cmocka_unit_test(many_small_losses_are_one),
        cmocka_unit_test(a_manager_has_the_last_word),
        cmocka_unit_test(settings_and_clocks_do_no_harm),
        cmocka_unit_test(tables_are_put_together),
    };
    return tap_run(tests, NULL, NULL);
}
