/* When poterned makes the daily backup. */
#include "t/unit/tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/note.h"
#include "base/fsio.h"
#include "gateway/daily_backup.h"

#define NOON 1795521600 /* 2026-11-24 12:00:00 UTC */
#define HOUR 3600
#define DAY  (24 * HOUR)

#define SETTINGS "hostname = mx.backup.example\n"
static const struct buf settings = {.p = (char *)SETTINGS, .n = sizeof SETTINGS - 1};

/* In place of libc's: there is no process to be had. */
static bool no_forks;

pid_t fork(void)
{
    static pid_t (*real)(void);
    if (real == NULL)
        real = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");
    if (no_forks)
        errno = EAGAIN;
    return no_forks ? -1 : real();
}

static void plan(const char *at, time_t now, time_t expected)
{
    struct daily_backup daily = {.pid = 0};
    struct conf conf = {.backup = {.at = at}};
    daily_backup_plan(&daily, &conf, now);
    assert_int_equal(daily.next, expected);
}

static void at_the_next_time_of_day(void **state)
{
    plan("13:30", NOON, NOON + HOUR + HOUR / 2);
    plan("02:30", NOON, NOON - 9 * HOUR - HOUR / 2 + DAY);
    plan("12:00", NOON, NOON + DAY);
    plan("", NOON, 0);
}

/* Whether one was missed the child finds out; the plan says when it looks. */
static void first(const char *at, time_t expected, bool looks)
{
    struct daily_backup daily = {.pid = 0};
    struct conf conf = {.backup = {.at = at}};
    daily_backup_tend(&daily, &conf, NOON);
    assert_int_equal(daily.pid, 0);
    assert_int_equal(daily.next, expected);
    assert_int_equal(daily.looks, looks);
}

static void what_was_missed_is_looked_for_soon(void **state)
{
    first("02:30", NOON + DAILY_BACKUP_SOON, true);
    first("12:06", NOON + DAILY_BACKUP_SOON, true);
    first("12:01", NOON + 60, false);
    first("", 0, false);
}

static void summer_time_is_one_backup_a_day(void **state)
{
    setenv("TZ", "Europe/Paris", 1);
    tzset();
    time_t before = 1774663200; /* 2026-03-28 03:00 CET; on the 29th there is no 02:30 */
    struct daily_backup daily = {.pid = 0};
    struct conf conf = {.backup = {.at = "02:30"}};
    daily_backup_plan(&daily, &conf, before);
    assert_in_range(daily.next, before + 22 * HOUR, before + 25 * HOUR);
    time_t first = daily.next;
    daily_backup_plan(&daily, &conf, first);
    assert_in_range(daily.next, first + 22 * HOUR, first + 25 * HOUR);
    setenv("TZ", "UTC", 1);
    tzset();
}

/* It writes what it was called with, and the file of the last word, into that of the fourth. */
#define SCRIPT "#!/bin/sh\necho \"$@\" > \"$4\"\ncat \"$6\" >> \"$4\"\ntest \"$2\" = --daily\n"

/* It was called so, and its exit status is this. */
static void ended(struct daily_backup *daily, const char *said, const char *expected, int code,
                  time_t now)
{
    struct buf text = BUF_INIT(1000);
    struct err err;
    int status = -1;
    assert_true(daily->pid > 0);
    pid_t pid = daily->pid;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), code);
    assert_false(daily_backup_ended(daily, pid + 1, status, now));
    assert_true(daily_backup_ended(daily, pid, status, now));
    assert_int_equal(daily->pid, 0);
    assert_int_equal(fsio_read_file(said, &text, &err), 0);
    assert_true(str_starts(buf_str(&text), str_of(expected)));
    /* behind it come the settings that serve */
    assert_true(str_find(buf_str(&text), STR(" --serving /proc/self/fd/")) != STR_NONE);
    assert_true(str_find(buf_str(&text), STR("\n" SETTINGS)) != STR_NONE);
    buf_release(&text);
}

static void it_is_run_once(void **state)
{
    char root[] = "/tmp/daily-backup-XXXXXX", path[64], programs[64], said[64];
    struct err err;
    assert_non_null(mkdtemp(root));
    snprintf(programs, sizeof programs, "%s/gateway", root);
    assert_int_equal(mkdir(programs, 0700), 0);
    snprintf(path, sizeof path, "%s/poterne", root);
    assert_int_equal(fsio_replace(path, STR(SCRIPT), 0700, &err), 0);
    snprintf(said, sizeof said, "%s/said", root);
    struct conf conf = {.path = said, .state_dir = root, .backup = {.at = "02:30"}};
    struct daily_backup daily = {.programs = programs, .commands = root, .settings = &settings};
    daily_backup_tend(&daily, &conf, NOON);
    assert_int_equal(daily.pid, 0);
    daily_backup_tend(&daily, &conf, NOON + DAILY_BACKUP_SOON);
    ended(&daily, said, "backup --missed --config ", 1, NOON + DAILY_BACKUP_SOON);
    daily_backup_tend(&daily, &conf, NOON + HOUR);
    assert_int_equal(daily.pid, 0);
    daily_backup_tend(&daily, &conf, NOON + DAY);
    pid_t pid = daily.pid;
    daily_backup_tend(&daily, &conf, NOON + DAY + HOUR);
    daily_backup_tend(&daily, &conf, NOON + 2 * DAY); /* no second one beside it */
    assert_int_equal(daily.pid, pid);
    ended(&daily, said, "backup --daily --config ", 0, NOON + 2 * DAY);
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
    struct daily_backup daily = {.programs = programs, .commands = commands, .settings = &settings};
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
    daily_backup_plan(&daily, &conf, NOON);
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

/* --- what the managers hear --- */

/* A machine that poterned can leave notes on. */
struct machine {
    char root[48];
    struct conf conf;
};

static void begin(struct machine *m)
{
    char path[80];
    *m = (struct machine){.root = "/tmp/daily-backup-XXXXXX"};
    assert_non_null(mkdtemp(m->root));
    snprintf(path, sizeof path, "%s/reports", m->root);
    assert_int_equal(mkdir(path, 0700), 0);
    m->conf = (struct conf){.path = "/", .state_dir = m->root, .backup = {.at = "02:30"}};
}

static void end(const struct machine *m)
{
    struct err err;
    assert_int_equal(fsio_empty_dir(m->root, &err), 0);
    assert_int_equal(rmdir(m->root), 0);
}

/* What they are to hear is taken, as reports does; "": nothing. */
static const char *heard(const struct machine *m)
{
    static char why[BACKUP_NOTE_MAX];
    struct err err;
    int there = backup_note_read(m->root, why, &err);
    assert_true(there >= 0);
    assert_int_equal(backup_note_remove(m->root, &err), 0);
    return there ? why : "";
}

static void one_that_is_not_there_is_tried_again(void **state)
{
    struct machine m;
    struct daily_backup daily = {.programs = "/none/here",
                                 .commands = "/none/there",
                                 .settings = &settings};
    begin(&m);
    daily_backup_tend(&daily, &m.conf, NOON);
    time_t now = daily.next;
    unsigned notes = 0;
    for (unsigned i = 1; i <= DAY / DAILY_BACKUP_SOON; i++) {
        int status = 0;
        daily_backup_tend(&daily, &m.conf, now);
        pid_t pid = daily.pid;
        assert_true(pid > 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(daily_backup_ended(&daily, pid, status, now));
        assert_int_equal(daily.next, now + DAILY_BACKUP_SOON);
        assert_true(daily.looks); /* still only if one was missed */
        daily_backup_tend(&daily, &m.conf, now + 1);
        const char *why = heard(&m);
        if (*why)
            assert_non_null(strstr(why, "can't be run"));
        notes += *why != '\0';
        assert_int_equal(notes, i >= DAILY_BACKUP_TRIES);
        now += DAILY_BACKUP_SOON;
    }
    end(&m);
}

static void a_process_that_can_not_be_made(void **state)
{
    struct machine m;
    struct daily_backup daily = {.programs = "/none/here", .commands = "/none/there"};
    begin(&m);
    daily_backup_plan(&daily, &m.conf, NOON);
    time_t now = daily.next;
    no_forks = true;
    for (unsigned i = 1; i <= DAILY_BACKUP_TRIES; i++, now += DAILY_BACKUP_SOON) {
        assert_string_equal(heard(&m), "");
        daily_backup_tend(&daily, &m.conf, now);
        assert_int_equal(daily.pid, 0);
        assert_int_equal(daily.next, now + DAILY_BACKUP_SOON);
    }
    no_forks = false;
    daily_backup_tend(&daily, &m.conf, now - 1);
    assert_non_null(strstr(heard(&m), "no process can be made for it: Resource temporarily"));
    end(&m);
}

/* poterned is told that it ended so: what do they hear? */
static const char *told_of(struct machine *m, int status)
{
    struct daily_backup daily = {.pid = 1};
    daily_backup_plan(&daily, &m->conf, NOON);
    assert_true(daily_backup_ended(&daily, 1, status, NOON));
    daily_backup_tend(&daily, &m->conf, NOON);
    assert_string_equal(daily.why, "");
    return heard(m);
}

static void what_it_could_not_say_itself(void **state)
{
    struct machine m;
    begin(&m);
    assert_string_equal(told_of(&m, W_EXITCODE(0, 0)), "");
    assert_string_equal(told_of(&m, W_EXITCODE(BACKUP_TOLD, 0)), "");
    assert_non_null(strstr(told_of(&m, W_EXITCODE(2, 0)), "exit status 2"));
    assert_non_null(strstr(told_of(&m, W_EXITCODE(0, SIGKILL)), "killed by signal 9"));
    end(&m);
}

/* The disk is full, or the folder away. */
static void a_note_that_can_not_be_left_is_left_later(void **state)
{
    struct machine m;
    char path[80];
    begin(&m);
    snprintf(path, sizeof path, "%s/reports", m.root);
    assert_int_equal(rmdir(path), 0);
    struct daily_backup daily = {.pid = 1};
    daily_backup_plan(&daily, &m.conf, NOON);
    assert_true(daily_backup_ended(&daily, 1, W_EXITCODE(2, 0), NOON));
    daily_backup_tend(&daily, &m.conf, NOON);
    assert_int_equal(mkdir(path, 0700), 0);
    daily_backup_tend(&daily, &m.conf, NOON + 1);
    assert_string_equal(heard(&m), "");
    daily_backup_tend(&daily, &m.conf, NOON + DAILY_BACKUP_SOON);
    assert_non_null(strstr(heard(&m), "exit status 2"));
    end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_next_time_of_day),
        cmocka_unit_test(what_was_missed_is_looked_for_soon),
        cmocka_unit_test(summer_time_is_one_backup_a_day),
        cmocka_unit_test(it_is_run_once),
        cmocka_unit_test(it_is_found_where_it_is_installed),
        cmocka_unit_test(one_that_hangs_is_killed),
        cmocka_unit_test(one_that_is_not_there_is_tried_again),
        cmocka_unit_test(a_process_that_can_not_be_made),
        cmocka_unit_test(what_it_could_not_say_itself),
        cmocka_unit_test(a_note_that_can_not_be_left_is_left_later),
    };
    setenv("TZ", "UTC", 1);
    tzset();
    return tap_run(tests, NULL, NULL);
}
