#include "gateway/daily_backup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/shelf.h"
#include "base/fsio.h"
#include "base/log.h"

#define DAY_SECONDS  (24 * 3600)
#define HOUR_SECONDS 3600 /* a day may be so much longer */
#define NOT_THERE    127  /* exit status: the command can't be run */

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

void daily_backup_plan(struct daily_backup *daily, const struct conf *conf, time_t last, time_t now)
{
    unsigned minute;
    daily->next = 0;
    daily->planned = true;
    str_copy(str_of(conf->backup.at), daily->at, sizeof daily->at);
    if (!conf_time_of_day(conf->backup.at, &minute))
        return;
    daily->next = next_at(minute, now);
    /* one of a day that has not come yet says nothing of this one */
    bool missed = now - last > DAY_SECONDS || shelf_time_ahead(last, now);
    if (last && missed && daily->next > now + DAILY_BACKUP_SOON)
        daily->next = now + DAILY_BACKUP_SOON;
}

/* When the newest generation was begun; 0: there is none. */
static time_t newest(const struct conf *conf, time_t now)
{
    char folder[PATH_MAX];
    const struct dirent *entry;
    time_t latest = 0, ahead = 0;
    int n = conf->backup.folder
                ? snprintf(folder, sizeof folder, "%s", conf->backup.folder)
                : snprintf(folder, sizeof folder, "%s/" SHELF_FOLDER, conf->state_dir);
    DIR *dir = n > 0 && (size_t)n < sizeof folder ? opendir(folder) : NULL;
    if (dir == NULL)
        return 0;
    while ((entry = readdir(dir)) != NULL) {
        time_t begun = shelf_name_time(str_of(entry->d_name));
        if (shelf_time_ahead(begun, now))
            ahead = begun;
        else
            latest = begun > latest ? begun : latest;
    }
    closedir(dir);
    return latest ? latest : ahead;
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

static _Noreturn void become(const struct daily_backup *daily, const struct conf *conf)
{
    char program[PATH_MAX];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    find_program(daily, program, sizeof program);
    char *const argv[] = {
        program, (char *)"backup", (char *)"--daily", (char *)"--config", (char *)conf->path, NULL};
    execv(program, argv);
    log_error("no daily backup was made: cannot run %s: %s", program, strerror(errno));
    _exit(NOT_THERE);
}

void daily_backup_tend(struct daily_backup *daily, const struct conf *conf, time_t now)
{
    if (!daily->planned || strcmp(daily->at, conf->backup.at) != 0)
        daily_backup_plan(daily, conf, newest(conf, now), now);
    if (daily->next > now + DAY_SECONDS + HOUR_SECONDS) /* the clock was put back */
        daily_backup_plan(daily, conf, 0, now);
    if (daily->next == 0 || now < daily->next)
        return;
    if (daily->pid) {
        if (daily->late)
            kill(daily->pid, SIGKILL);
        log_error("the daily backup is due, and that of the day before is not done%s",
                  daily->late ? ": it is killed" : "");
        daily->late = true;
        daily_backup_plan(daily, conf, 0, now);
        return;
    }
    daily_backup_plan(daily, conf, 0, now);
    daily->late = false;
    daily->pid = fork();
    if (daily->pid == 0)
        become(daily, conf);
    if (daily->pid < 0) {
        log_error("no backup is made: cannot fork: %s", strerror(errno));
        daily->pid = 0;
        daily->next = now + DAILY_BACKUP_SOON;
    }
}

bool daily_backup_ended(struct daily_backup *daily, pid_t pid, int status, time_t now)
{
    if (daily->pid == 0 || pid != daily->pid)
        return false;
    daily->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        log_info("the daily backup is made");
    else if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_THERE)
        daily->next = now + DAILY_BACKUP_SOON; /* it has logged why; an upgrade may be at work */
    else if (WIFEXITED(status))
        log_error("no daily backup was made (exit status %d)", WEXITSTATUS(status));
    else
        log_error("no daily backup was made: it was killed by signal %d", WTERMSIG(status));
    return true;
}
