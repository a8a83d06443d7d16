/* A clock that jumps ahead is not believed at once. */
#include "base/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "t/unit/tap.h"

#define HOUR 3600
#define DAY  86400
#define NOW  INT64_C(1780000000)
#define UP   INT64_C(5000)

static int make_folder(void **state)
{
    static char folder[64];
    snprintf(folder, sizeof folder, "/tmp/poterne-witness-XXXXXX");
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
    struct err err;
    const char *folder = *state;
    return fsio_empty_dir(folder, &err) == 0 ? rmdir(folder) : -1;
}

static void from_one_look_to_the_next(void **state)
{
    const char *folder = *state;
    struct err err;
    assert_true(witness_trusts(folder, NOW, false, &err)); /* there was none */
    assert_true(witness_trusts(folder, NOW + 3 * DAY, false, &err));
    assert_string_equal(err.text, "");
    assert_false(witness_trusts(folder, NOW + 7 * DAY, false, &err));
    assert_non_null(strstr(err.text, "by 4 days"));
    /* set right again, or back */
    assert_true(witness_trusts(folder, NOW + 4 * DAY, false, &err));
    assert_true(witness_trusts(folder, NOW, false, &err));
    assert_false(witness_trusts(folder, NOW + 400 * DAY, false, &err));
    assert_true(witness_trusts(folder, NOW + 400 * DAY, true, &err));
    assert_true(witness_trusts(folder, NOW + 401 * DAY, false, &err));
    assert_true(witness_trusts("/nonexistent", NOW, false, &err));
    assert_non_null(strstr(err.text, "expire.stamp"));
}

static void while_it_looks_on(void **state)
{
    const char *folder = *state;
    struct witness w = {0};
    struct err err;
    assert_int_equal(witness_time(&w, folder, NOW, UP, &err), NOW);
    assert_string_equal(err.text, "");
    /* an hour is believed, a day is not, though less than three */
    assert_int_equal(witness_time(&w, folder, NOW + HOUR + 10, UP + 10, &err), NOW + HOUR + 10);
    assert_int_equal(witness_time(&w, folder, NOW + DAY + HOUR + 20, UP + 20, &err),
                     NOW + HOUR + 20);
    assert_non_null(strstr(err.text, "went ahead by 24 hours"));
    /* told once; time goes on */
    assert_int_equal(witness_time(&w, folder, NOW + DAY + HOUR + 80, UP + 80, &err),
                     NOW + HOUR + 80);
    assert_string_equal(err.text, "");
    /* set right */
    assert_int_equal(witness_time(&w, folder, NOW + HOUR + 90, UP + 90, &err), NOW + HOUR + 90);
    assert_non_null(strstr(err.text, "believed again"));
    /* set back: believed, and so is the way from there */
    assert_int_equal(witness_time(&w, folder, NOW - 9 * DAY, UP + 100, &err), NOW - 9 * DAY);
    assert_int_equal(witness_time(&w, folder, NOW - 9 * DAY + 10, UP + 110, &err),
                     NOW - 9 * DAY + 10);
    assert_string_equal(err.text, "");
}

static void a_day_later(void **state)
{
    const char *folder = *state;
    struct witness w = {0};
    struct err err;
    const int64_t ahead = 4000 * (int64_t)DAY;
    assert_int_equal(witness_time(&w, folder, NOW, UP, &err), NOW);
    assert_int_equal(witness_time(&w, folder, NOW + ahead + 60, UP + 60, &err), NOW + 60);
    assert_int_equal(witness_time(&w, folder, NOW + ahead + DAY, UP + DAY, &err), NOW + DAY);
    assert_int_equal(witness_time(&w, folder, NOW + ahead + DAY + 60, UP + DAY + 60, &err),
                     NOW + ahead + DAY + 60);
    assert_non_null(strstr(err.text, "believed again"));
    assert_int_equal(witness_time(&w, folder, NOW + ahead + DAY + 90, UP + DAY + 90, &err),
                     NOW + ahead + DAY + 90);
    assert_string_equal(err.text, "");
}

static void over_a_restart(void **state)
{
    const char *folder = *state;
    struct witness w = {0}, after = {0}, late = {0}, next = {0}, right = {0};
    struct err err;
    assert_int_equal(witness_time(&w, folder, NOW, UP, &err), NOW);
    /* two days of nothing may be */
    assert_int_equal(witness_time(&after, folder, NOW + 2 * DAY, 100, &err), NOW + 2 * DAY);
    assert_string_equal(err.text, "");
    /* four may not: it is as late as the note says, and what went by since */
    assert_int_equal(witness_time(&late, folder, NOW + 6 * DAY, 100, &err), NOW + 2 * DAY);
    assert_non_null(strstr(err.text, "went ahead by 96 hours"));
    assert_int_equal(witness_time(&late, folder, NOW + 6 * DAY + 70, 170, &err),
                     NOW + 2 * DAY + 70);
    /* the stamp stays meanwhile, so that the next process doubts, too */
    assert_int_equal(witness_time(&next, folder, NOW + 6 * DAY + 80, 180, &err),
                     NOW + 2 * DAY + 80);
    assert_non_null(strstr(err.text, "went ahead by 96 hours"));
    /* somebody has set it right */
    assert_int_equal(witness_time(&right, folder, NOW + 2 * DAY + 90, 190, &err),
                     NOW + 2 * DAY + 90);
    assert_string_equal(err.text, "");
}

/* A gateway that was off for four days, and is renewed each day: the day of doubt is over once. */
static void doubt_ends_whoever_looks_on(void **state)
{
    const char *folder = *state;
    struct witness all[6] = {{0}};
    struct err err;
    int64_t back = NOW + 4 * DAY;
    assert_int_equal(witness_time(&all[0], folder, NOW, UP, &err), NOW);
    assert_int_equal(witness_time(&all[1], folder, back, 100, &err), NOW);
    assert_int_equal(witness_time(&all[1], folder, back + 12 * HOUR, 100 + 12 * HOUR, &err),
                     NOW + 12 * HOUR);
    /* also after a boot */
    assert_int_equal(witness_time(&all[2], folder, back + 13 * HOUR, 20, &err), NOW + 13 * HOUR);
    assert_int_equal(witness_time(&all[3], folder, back + 23 * HOUR, 10 * HOUR, &err),
                     NOW + 23 * HOUR);
    assert_int_equal(witness_time(&all[3], folder, back + DAY + 10, 11 * HOUR + 10, &err),
                     back + DAY + 10);
    assert_non_null(strstr(err.text, "believed again"));
    assert_int_equal(witness_time(&all[4], folder, back + DAY + 90, 11 * HOUR + 90, &err),
                     back + DAY + 90);
    assert_string_equal(err.text, "");
    /* and that was all: another jump is another doubt */
    assert_int_equal(witness_time(&all[5], folder, back + 9 * DAY, 200, &err), back + DAY + 90);
    assert_non_null(strstr(err.text, "went ahead by 191 hours"));
}

/* One that is ended while nobody looks on. */
static void doubt_ends_between_two(void **state)
{
    const char *folder = *state;
    struct witness w = {0}, first = {0}, second = {0};
    struct err err;
    int64_t back = NOW + 4 * DAY;
    assert_int_equal(witness_time(&w, folder, NOW, UP, &err), NOW);
    assert_int_equal(witness_time(&first, folder, back, 100, &err), NOW);
    assert_int_equal(witness_time(&second, folder, back + DAY, 100, &err), back + DAY);
    assert_non_null(strstr(err.text, "believed again"));
}

/* Another clock than the one that was doubted is doubted from then on. */
static void another_clock_is_another_doubt(void **state)
{
    const char *folder = *state;
    struct witness w = {0}, first = {0}, ahead = {0}, back = {0};
    struct err err;
    assert_int_equal(witness_time(&w, folder, NOW, UP, &err), NOW);
    assert_int_equal(witness_time(&first, folder, NOW + 40 * DAY, 100, &err), NOW);
    assert_int_equal(witness_time(&first, folder, NOW + 40 * DAY + 23 * HOUR, 100 + 23 * HOUR,
                                  &err),
                     NOW + 23 * HOUR);
    assert_int_equal(witness_time(&ahead, folder, NOW + 4000 * DAY, 300, &err), NOW);
    assert_int_equal(witness_time(&ahead, folder, NOW + 4000 * DAY + 2 * HOUR, 300 + 2 * HOUR,
                                  &err),
                     NOW + 2 * HOUR);
    assert_int_equal(witness_time(&back, folder, NOW + 40 * DAY, 400, &err), NOW);
}

static void nowhere_to_note(void **state)
{
    struct witness w = {0};
    struct err err;
    (void)state;
    assert_int_equal(witness_time(&w, "/nonexistent", NOW, UP, &err), NOW);
    assert_non_null(strstr(err.text, "expire.stamp"));
    assert_int_equal(witness_time(&w, "/nonexistent", NOW + 1, UP + 1, &err), NOW + 1);
    assert_string_equal(err.text, "");
    assert_int_equal(witness_time(&w, "/nonexistent", NOW + DAY, UP + 2, &err), NOW + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_one_look_to_the_next, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(while_it_looks_on, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_day_later, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(over_a_restart, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(doubt_ends_whoever_looks_on, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(doubt_ends_between_two, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(another_clock_is_another_doubt, make_folder, remove_folder),
        cmocka_unit_test(nowhere_to_note),
    };
    return tap_run(tests, NULL, NULL);
}
