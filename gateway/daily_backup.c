#include "gateway/daily_backup.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/note.h"
#include "base/fsio.h"
#include "base/log.h"

#define DAY_SECONDS  (24 * 3600)
#define HOUR_SECONDS 3600 /* a day may be so much longer */
#define NONE_MISSED  1    /* exit status of --missed */
#define NOT_THERE    127  /* the command can't be run */

/* The first moment after `now` at which a clock on the wall shows that minute of the day. */
static time_t next_at(unsigned minute, time_t now)
{
    struct tm tm;
    localtime_r(&now, &tm);
    tm.tm_hour = (int)(minute / 60);
    tm.tm_min = (int)(minute % 60);
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    struct tm today = tm;
    time_t at = mktime(&today);
    if (at > now)
        return at;
    tm.tm_mday++;
    return mktime(&tm);
}

void daily_backup_plan(struct daily_backup *daily, const struct conf *conf, time_t now)
{
    unsigned minute;
    daily->next = 0;
    daily->planned = true;
    daily->looks = false;
    str_copy(str_of(conf->backup.at), daily->at, sizeof daily->at);
    if (conf_time_of_day(conf->backup.at, &minute))
        daily->next = next_at(minute, now);
}

/* Was one missed? */
static void look_soon(struct daily_backup *daily, time_t now)
{
    if (daily->next <= now + DAILY_BACKUP_SOON) /* or never: 0 */
        return;
    daily->next = now + DAILY_BACKUP_SOON;
    daily->looks = true;
}

/* Built but not installed it lies one folder above the programs; installed, it is the programs'
 * own folder that has this name there. */
static void find_program(const struct daily_backup *daily, char *out, size_t size)
{
    struct stat st;
    snprintf(out, size, "%s/../poterne", daily->programs);
    if (stat(out, &st) < 0 || !S_ISREG(st.st_mode) || access(out, X_OK) < 0)
        snprintf(out, size, "%s/poterne", daily->commands);
}

/* The settings that serve, as a file that is inherited; -1 is logged. */
static int serving_fd(const struct daily_backup *daily)
{
    struct err err;
    int fd = memfd_create("poterne.conf", 0);
    if (fd < 0)
        err_sys(&err, "cannot make a memory file");
    else if (fsio_write(fd, buf_str(daily->settings), "memory file", &err) == 0)
        return fd;
    log_warning("the daily backup does not get the settings that serve: %s", err.text);
    return -1;
}

static _Noreturn void become(const struct daily_backup *daily, const struct conf *conf)
{
    char program[PATH_MAX], serving[32];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    find_program(daily, program, sizeof program);
    int fd = serving_fd(daily);
    snprintf(serving, sizeof serving, "/proc/self/fd/%d", fd);
    char *argv[] = {program,
                    (char *)"backup",
                    (char *)(daily->looking ? "--missed" : "--daily"),
                    (char *)"--config",
                    (char *)conf->path,
                    (char *)(fd >= 0 ? "--serving" : NULL),
                    serving,
                    NULL};
    execv(program, argv);
    log_error("no daily backup was made: cannot run %s: %s", program, strerror(errno));
    _exit(NOT_THERE);
}

/* --- what the managers hear --- */

static void want_told(struct daily_backup *daily, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void want_told(struct daily_backup *daily, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(daily->why, sizeof daily->why, format, ap);
    va_end(ap);
    daily->tell_at = 0;
}

/* Tried again soon: an upgrade may be at work, or memory short for a moment. They hear of what
 * lasts, once a day. */
static void not_started(struct daily_backup *daily, const char *why, time_t now)
{
    daily->next = now + DAILY_BACKUP_SOON;
    daily->looks = daily->looking;
    if (daily->unstarted++ % (DAY_SECONDS / DAILY_BACKUP_SOON) == DAILY_BACKUP_TRIES - 1)
        want_told(daily, "%s", why);
}

/* For the managers, in poterne-reports' hands. */
static void leave_note(struct daily_backup *daily, const struct conf *conf, time_t now)
{
    struct err err = {""};
    if (daily->why[0] == '\0' || now < daily->tell_at)
        return;
    if (backup_note_leave(conf->state_dir, daily->why, &err) == 0) {
        daily->why[0] = '\0';
        return;
    }
    log_error("the managers can't be told that no backup was made: %s", err.text);
    daily->tell_at = now + DAILY_BACKUP_SOON;
}

static void start(struct daily_backup *daily, const struct conf *conf, time_t now)
{
    daily->late = false;
    daily->pid = fork();
    if (daily->pid == 0)
        become(daily, conf);
    if (daily->pid > 0)
        return;
    struct err err;
    err_sys(&err, "no process can be made for it");
    log_error("no backup is made: %s", err.text);
    daily->pid = 0;
    not_started(daily, err.text, now);
}

void daily_backup_tend(struct daily_backup *daily, const struct conf *conf, time_t now)
{
    leave_note(daily, conf, now);
    if (!daily->planned || strcmp(daily->at, conf->backup.at) != 0) {
        daily_backup_plan(daily, conf, now);
        look_soon(daily, now);
    }
    if (daily->next > now + DAY_SECONDS + HOUR_SECONDS) /* the clock was put back */
        daily_backup_plan(daily, conf, now);
    if (daily->next == 0 || now < daily->next)
        return;
    bool looks = daily->looks;
    daily_backup_plan(daily, conf, now);
    if (daily->pid == 0) {
        daily->looking = looks;
        start(daily, conf, now);
    } else if (!looks) {
        if (daily->late)
            kill(daily->pid, SIGKILL);
        log_error("the daily backup is due, and that of the day before is not done%s",
                  daily->late ? ": it is killed" : "");
        daily->late = true;
    }
}

bool daily_backup_ended(struct daily_backup *daily, pid_t pid, int status, time_t now)
{
    if (daily->pid == 0 || pid != daily->pid)
        return false;
    daily->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE) {
        not_started(daily, "the command poterne can't be run; the log of poterned says why", now);
        return true;
    }
    daily->unstarted = 0;
    if (!WIFEXITED(status)) {
        log_error("no daily backup was made: it was killed by signal %d", WTERMSIG(status));
        want_told(daily, "it was killed by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) == 0) {
        log_info("the daily backup is made");
    } else if (!daily->looking || WEXITSTATUS(status) != NONE_MISSED) {
        log_error("no daily backup was made (exit status %d)", WEXITSTATUS(status));
        if (WEXITSTATUS(status) != BACKUP_TOLD)
            want_told(daily, "it ended with exit status %d; the log of poterned says why",
                      WEXITSTATUS(status));
    }
    return true;
}
