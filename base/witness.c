#include "base/witness.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define WITNESS_MODE 0640
#define DAY          86400

static int note(const char *path, int64_t now, struct err *err)
{
    const struct timespec times[2] = {{.tv_sec = (time_t)now}, {.tv_sec = (time_t)now}};
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, WITNESS_MODE);
    if (fd < 0)
        return err_sys(err, "cannot write %s", path);
    int result = futimens(fd, times) == 0 ? 0 : err_sys(err, "cannot set the time of %s", path);
    close(fd);
    return result;
}

/* Seconds from the note to now; 0 where there is none. */
static int64_t passed_since(const char *path, int64_t now)
{
    struct stat st;
    return lstat(path, &st) == 0 ? now - (int64_t)st.st_mtime : 0;
}

bool witness_trusts(const char *folder, int64_t now, bool anyway, struct err *err)
{
    char path[PATH_MAX];
    err->text[0] = '\0';
    if (fsio_join(path, sizeof path, folder, WITNESS_FILE, err) < 0)
        return anyway;
    int64_t passed = passed_since(path, now);
    if (passed > WITNESS_JUMP && !anyway) {
        err_set(err,
                "the clock went on by %lld days since what is held was last looked through: "
                "nothing expires for a day; set the clock right, or, if it is right, \"poterne "
                "quarantine expire\" removes what is old at once",
                (long long)(passed / DAY));
        return false;
    }
    note(path, now, err);
    return true;
}

/* --- one that looks on --- */

struct paths {
    char stamp[PATH_MAX], since[PATH_MAX], look[PATH_MAX];
};

static int find_paths(struct paths *paths, const char *folder, struct err *err)
{
    return fsio_join(paths->stamp, sizeof paths->stamp, folder, WITNESS_FILE, err) < 0 ||
                   fsio_join(paths->since, sizeof paths->since, folder, WITNESS_SINCE, err) < 0 ||
                   fsio_join(paths->look, sizeof paths->look, folder, WITNESS_LOOK, err) < 0
               ? -1
               : 0;
}

static void tell_doubt(const char *folder, int64_t jump, struct err *err)
{
    err_set(err,
            "the clock went ahead by %lld hours, which is not believed for a day: nothing in %s or "
            "beside it goes for its age; set the clock right, or, if it is, wait",
            (long long)(jump / 3600), folder);
}

/* For how long a process before this one has doubted the clock that is now; -1: none has. `passed`
 * since the stamp. */
static int64_t doubted_before(const struct paths *paths, int64_t now, int64_t passed)
{
    if (access(paths->since, F_OK) < 0 || access(paths->look, F_OK) < 0)
        return -1;
    int64_t doubted = passed_since(paths->since, now), look = passed_since(paths->look, now);
    bool same = look >= -WITNESS_STEP && look <= WITNESS_JUMP;
    return same && doubted >= look && doubted < passed ? doubted : -1;
}

static void forget_doubt(struct witness *w, const struct paths *paths, int64_t uptime)
{
    w->doubts = false;
    w->noted = uptime - WITNESS_PAUSE;
    unlink(paths->since); /* where they stay they are older than the stamp: of no use */
    unlink(paths->look);
}

static void begin(struct witness *w, const struct paths *paths, const char *folder, int64_t now,
                  int64_t uptime, struct err *err)
{
    int64_t passed = passed_since(paths->stamp, now);
    int64_t doubted = passed > WITNESS_JUMP ? doubted_before(paths, now, passed) : -1;
    w->begun = true;
    if (doubted < 0) {
        forget_doubt(w, paths, uptime);
        w->offset = now - uptime - (passed > WITNESS_JUMP ? passed : 0);
        return;
    }
    w->doubts = true;
    w->doubted = uptime - doubted;
    w->offset = now - uptime - passed + doubted;
    w->noted = uptime - WITNESS_PAUSE;
    tell_doubt(folder, passed - doubted, err);
}

static void begin_doubt(struct witness *w, const struct paths *paths, int64_t now, int64_t uptime)
{
    struct err why;
    w->doubts = true;
    w->doubted = uptime;
    w->noted = uptime - WITNESS_PAUSE;
    /* what can't be noted only makes the next process doubt from its begin */
    if (note(paths->since, now, &why) < 0)
        unlink(paths->since);
}

static void note_look(struct witness *w, const char *path, int64_t now, int64_t uptime,
                      struct err *err)
{
    struct err why = {""};
    if (uptime - w->noted < WITNESS_PAUSE)
        return;
    w->noted = uptime;
    if (note(path, now, &why) < 0 && err->text[0] == '\0')
        *err = why;
}

int64_t witness_time(struct witness *w, const char *folder, int64_t now, int64_t uptime,
                     struct err *err)
{
    struct paths paths;
    err->text[0] = '\0';
    if (find_paths(&paths, folder, err) < 0)
        return now;
    if (!w->begun)
        begin(w, &paths, folder, now, uptime, err);
    int64_t jump = now - uptime - w->offset;
    if (jump > WITNESS_STEP && !w->doubts) {
        begin_doubt(w, &paths, now, uptime);
        tell_doubt(folder, jump, err);
    } else if (w->doubts && (jump <= WITNESS_STEP || uptime - w->doubted >= WITNESS_DOUBT)) {
        forget_doubt(w, &paths, uptime);
        err_set(err, "the clock is believed again in %s", folder);
    }
    note_look(w, w->doubts ? paths.look : paths.stamp, now, uptime, err);
    if (w->doubts)
        return w->offset + uptime;
    w->offset = now - uptime;
    return now;
}
