/* When poterned makes the daily backup. */
#include "t/unit/tap.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "gateway/daily_backup.h"

#define NOON 1795521600 /* 2026-11-24 12:00:00 UTC */
#define HOUR 3600
#define DAY  (24 * HOUR)

static void plan(const char *at, time_t last, time_t now, time_t expected)
{
    struct daily_backup daily = {.pid = 0};
    struct conf conf = {.backup = {.at = at}};
    daily_backup_plan(&daily, &conf, last, now);
    assert_int_equal(daily.next, expected);
}

static void at_the_next_time_of_day(void **state)
{
    plan("13:30", 0, NOON, NOON + HOUR + HOUR / 2);
    plan("02:30", 0, NOON, NOON - 9 * HOUR - HOUR / 2 + DAY);
    plan("12:00", 0, NOON, NOON + DAY);
    plan("", 0, NOON, 0);
}

static void what_was_missed_is_made_soon(void **state)
{
    plan("02:30", NOON - HOUR, NOON, NOON - 9 * HOUR - HOUR / 2 + DAY);
    plan("02:30", NOON - 2 * DAY, NOON, NOON + DAILY_BACKUP_SOON);
    plan("12:01", NOON - 2 * DAY, NOON, NOON + 60);
    /* made by a clock that was wrong, it says nothing of today */
    plan("02:30", NOON + 400 * DAY, NOON, NOON + DAILY_BACKUP_SOON);
}

static void summer_time_is_one_backup_a_day(void **state)
{
    setenv("TZ", "Europe/Paris", 1);
    tzset();
    time_t before = 1774663200; /* 2026-03-28 03:00 CET; on the 29th there is no 02:30 */
    struct daily_backup daily = {.pid = 0};
    struct conf conf = {.backup = {.at = "02:30"}};
    daily_backup_plan(&daily, &conf, 0, before);
    assert_in_range(daily.next, before + 22 * HOUR, before + 25 * HOUR);
    time_t first = daily.next;
    daily_backup_plan(&daily, &conf, 0, first);
    assert_in_range(daily.next, first + 22 * HOUR, first + 25 * HOUR);
    setenv("TZ", "UTC", 1);
    tzset();
}

/* The program is a script that says what it was called with. */
static void it_is_run_once(void **state)
{
    char root[] = "/tmp/daily-backup-XXXXXX", path[64], programs[64], said[64];
    struct err err;
    int status = -1;
    assert_non_null(mkdtemp(root));
    snprintf(programs, sizeof programs, "%s/gateway", root);
    assert_int_equal(mkdir(programs, 0700), 0);
    snprintf(path, sizeof path, "%s/poterne", root);
    assert_int_equal(fsio_replace(path, STR("#!/bin/sh\necho \"$@\" > \"$4\"\nexit 7\n"), 0700,
                                  &err),
                     0);
    snprintf(said, sizeof said, "%s/said", root);
    struct conf conf = {.path = said, .state_dir = root, .backup = {.at = "02:30"}};
    struct daily_backup daily = {.programs = programs, .commands = root};
    daily_backup_tend(&daily, &conf, NOON);
    assert_int_equal(daily.pid, 0);
    daily_backup_tend(&daily, &conf, NOON + DAY);
    assert_true(daily.pid > 0);
    pid_t pid = daily.pid;
    daily_backup_tend(&daily, &conf, NOON + DAY + HOUR);
    daily_backup_tend(&daily, &conf, NOON + 2 * DAY); /* no second one beside it */
    assert_int_equal(daily.pid, pid);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_false(daily_backup_ended(&daily, pid + 1, status, NOON + 2 * DAY));
    assert_true(daily_backup_ended(&daily, pid, status, NOON + 2 * DAY));
    assert_int_equal(daily.pid, 0);
    struct buf text = BUF_INIT(1000);
    assert_int_equal(fsio_read_file(said, &text, &err), 0);
    assert_true(str_starts(buf_str(&text), STR("backup --daily --config ")));
    buf_release(&text);
    /* of two generations the one of a day that has not come is not the last one */
    struct daily_backup fresh = {.programs = programs};
    snprintf(path, sizeof path, "%s/backups", root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/backups/20291124T023000Z", root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/backups/20261120T023000Z", root);
    assert_int_equal(mkdir(path, 0700), 0);
    daily_backup_tend(&fresh, &conf, NOON);
    assert_int_equal(fresh.next, NOON + DAILY_BACKUP_SOON);
    /* put back by years, the clock still brings one within a day */
    daily_backup_tend(&daily, &conf, NOON - 1000 * DAY);
    assert_in_range(daily.next, NOON - 1000 * DAY, NOON - 999 * DAY);
    assert_int_equal(fsio_empty_dir(root, &err), 0);
    assert_int_equal(rmdir(root), 0);
}

/* As it is installed: LIBEXEC/poterne/poterned, and the command elsewhere. */
static void it_is_found_where_it_is_installed(void **state)
{
    char root[] = "/tmp/daily-backup-XXXXXX", path[128], programs[64], commands[64];
    struct err err;
    int status = -1;
    assert_non_null(mkdtemp(root));
    snprintf(programs, sizeof programs, "%s/poterne", root);
    assert_int_equal(mkdir(programs, 0755), 0);
    snprintf(commands, sizeof commands, "%s/bin", root);
    assert_int_equal(mkdir(commands, 0755), 0);
    snprintf(path, sizeof path, "%s/poterne", commands);
    assert_int_equal(fsio_replace(path, STR("#!/bin/sh\nexit 7\n"), 0700, &err), 0);
    struct conf conf = {.path = path, .state_dir = root, .backup = {.at = "02:30"}};
    struct daily_backup daily = {.programs = programs, .commands = commands};
    daily_backup_tend(&daily, &conf, NOON);
    daily_backup_tend(&daily, &conf, NOON + DAY);
    assert_true(daily.pid > 0);
    assert_int_equal(waitpid(daily.pid, &status, 0), daily.pid);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_int_equal(fsio_empty_dir(root, &err), 0);
    assert_int_equal(rmdir(root), 0);
}

/* A child that waits for ever stands for it. */
static void one_that_hangs_is_killed(void **state)
{
    int status = 0;
    struct conf conf = {.path = "/", .state_dir = "/none", .backup = {.at = "02:30"}};
    struct daily_backup daily = {.programs = "/none"};
    daily_backup_plan(&daily, &conf, 0, NOON);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        for (;;)
            pause();
    daily.pid = pid;
    daily_backup_tend(&daily, &conf, NOON + DAY);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    daily_backup_tend(&daily, &conf, NOON + 2 * DAY);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(daily_backup_ended(&daily, pid, status, NOON + 2 * DAY));
    assert_int_equal(daily.pid, 0);
}

static void one_that_is_not_there_is_tried_again(void **state)
{
    int status = 0;
    struct conf conf = {.path = "/", .state_dir = "/none", .backup = {.at = "02:30"}};
    struct daily_backup daily = {.programs = "/none/here", .commands = "/none/there"};
    daily_backup_plan(&daily, &conf, 0, NOON);
    daily_backup_tend(&daily, &conf, NOON + DAY);
    pid_t pid = daily.pid;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(daily_backup_ended(&daily, pid, status, NOON + DAY));
    assert_int_equal(daily.next, NOON + DAY + DAILY_BACKUP_SOON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_next_time_of_day),
        cmocka_unit_test(what_was_missed_is_made_soon),
        cmocka_unit_test(summer_time_is_one_backup_a_day),
        cmocka_unit_test(it_is_run_once),
        cmocka_unit_test(it_is_found_where_it_is_installed),
        cmocka_unit_test(one_that_hangs_is_killed),
        cmocka_unit_test(one_that_is_not_there_is_tried_again),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return tap_run(tests, NULL, NULL);
}
