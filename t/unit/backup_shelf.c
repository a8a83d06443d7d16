/* Which generation is the newest and which ones go, also when one was made while the clock was
 * ahead.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/shelf.h"
#include "base/fsio.h"

#define DAY       (24 * 3600)
#define KEEP      3
#define PATH_SIZE 100

struct fixture {
    char root[40];
    struct shelf shelf;
};

static void name_of(int day, char name[SHELF_NAME_LEN + 1])
{
    static time_t now; /* one for all, also when a day ends meanwhile */
    struct tm tm;
    now = now ? now : time(NULL);
    time_t at = now + (time_t)day * DAY;
    gmtime_r(&at, &tm);
    tm.tm_hour = 2; /* of any day, whatever the time of this one is */
    tm.tm_min = 30;
    tm.tm_sec = 0;
    strftime(name, SHELF_NAME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm);
}

/* Generations of these days from now on, the last one 0. */
static struct fixture *make(const int *days, size_t n)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    char path[PATH_SIZE], name[SHELF_NAME_LEN + 1];
    assert_non_null(f);
    snprintf(f->root, sizeof f->root, "/tmp/backup-shelf-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    for (size_t i = 0; i < n; i++) {
        name_of(days[i], name);
        snprintf(path, sizeof path, "%s/%s", f->root, name);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(shelf_open(f->root, &f->shelf, &err), 0);
    return f;
}

static void done(struct fixture *f)
{
    struct err err;
    shelf_close(&f->shelf);
    assert_int_equal(fsio_empty_dir(f->root, &err), 0);
    assert_int_equal(rmdir(f->root), 0);
    free(f);
}

static void newest_is(const int *days, size_t n, int expected)
{
    struct fixture *f = make(days, n);
    struct shelf_name name;
    struct err err = {""};
    char wanted[SHELF_NAME_LEN + 1];
    name_of(expected, wanted);
    assert_int_equal(shelf_find(&f->shelf, NULL, &name, &err), 0);
    assert_string_equal(name.text, wanted);
    done(f);
}

static void one_that_is_ahead_is_not_the_newest(void **state)
{
    newest_is((const int[]){-3, -1, 0}, 3, 0);
    newest_is((const int[]){-3, -1, 400}, 3, -1);
    newest_is((const int[]){-3, 40, 400}, 3, -3);
    newest_is((const int[]){40, 400}, 2, 400); /* there is no other */
}

static void it_is_found_by_its_name(void **state)
{
    struct fixture *f = make((const int[]){-1, 400}, 2);
    struct shelf_name name;
    struct err err = {""};
    char wanted[SHELF_NAME_LEN + 1];
    name_of(400, wanted);
    assert_int_equal(shelf_find(&f->shelf, wanted, &name, &err), 0);
    assert_string_equal(name.text, wanted);
    assert_int_equal(shelf_find(&f->shelf, "1999", &name, &err), -1);
    done(f);
}

static void left_after_pruning(const int *days, size_t n, const int *left, size_t n_left)
{
    struct fixture *f = make(days, n);
    struct shelf_name *names;
    struct err err = {""};
    size_t gone = 0, kept = 0;
    assert_int_equal(shelf_prune(&f->shelf, KEEP, &gone, &err), 0);
    assert_int_equal(shelf_list(&f->shelf, &names, &kept, &err), 0);
    assert_int_equal(kept, n_left);
    assert_int_equal(gone, n - n_left);
    for (size_t i = 0; i < n_left; i++) {
        char name[SHELF_NAME_LEN + 1];
        name_of(left[i], name);
        assert_string_equal(names[i].text, name);
    }
    free(names);
    done(f);
}

static void the_newest_of_now_stays(void **state)
{
    left_after_pruning((const int[]){-9, -5, -4, -1, 0}, 5, (const int[]){-4, -1, 0}, 3);
    left_after_pruning((const int[]){-9, -5, -1, 0, 400, 401, 402}, 7,
                       (const int[]){-5, -1, 0, 400, 401, 402}, 6);
    left_after_pruning((const int[]){400, 401, 402, 403}, 4, (const int[]){401, 402, 403}, 3);
}

static bool missed(const time_t *begun, size_t n, time_t now)
{
    struct shelf_name names[3] = {{""}};
    struct tm tm;
    for (size_t i = 0; i < n; i++)
        strftime(names[i].text, sizeof names[i].text, "%Y%m%dT%H%M%SZ", gmtime_r(&begun[i], &tm));
    return shelf_missed(names, n, now);
}

static void one_is_missed_where_none_is_of_the_last_day(void **state)
{
    const time_t now = 1795521600;
    assert_false(missed(NULL, 0, now));
    assert_true(missed((const time_t[]){now - 2 * DAY}, 1, now));
    assert_false(missed((const time_t[]){now - 2 * DAY, now - 3600}, 2, now));
    assert_false(missed((const time_t[]){now - 2 * DAY, now + 60}, 2, now));
    /* made by a clock that was wrong, it says nothing of today */
    assert_true(missed((const time_t[]){now - 2 * DAY, now + 400 * DAY}, 2, now));
    assert_true(missed((const time_t[]){now + 400 * DAY}, 1, now));
    assert_false(missed((const time_t[]){now - 2 * DAY, now - 60, now + 400 * DAY}, 3, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_ahead_is_not_the_newest),
        cmocka_unit_test(it_is_found_by_its_name),
        cmocka_unit_test(the_newest_of_now_stays),
        cmocka_unit_test(one_is_missed_where_none_is_of_the_last_day),
    };
    return tap_run(tests, NULL, NULL);
}
