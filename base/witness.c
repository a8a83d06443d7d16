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

static void begin(struct witness *w, const char *path, int64_t now, int64_t uptime)
{
    int64_t passed = passed_since(path, now);
    w->begun = true;
    w->offset = now - uptime - (passed > WITNESS_JUMP ? passed : 0);
    w->noted = uptime - WITNESS_PAUSE;
}

static void tell_doubt(const char *folder, int64_t jump, struct err *err)
{
    err_set(err,
            "the clock went ahead by %lld hours, which is not believed for a day: nothing in %s or "
            "beside it goes for its age; set the clock right, or, if it is, wait",
            (long long)(jump / 3600), folder);
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
    char path[PATH_MAX];
    err->text[0] = '\0';
    if (fsio_join(path, sizeof path, folder, WITNESS_FILE, err) < 0)
        return now;
    if (!w->begun)
        begin(w, path, now, uptime);
    int64_t jump = now - uptime - w->offset;
    if (jump > WITNESS_STEP && w->doubted == 0) {
        w->doubted = uptime;
        tell_doubt(folder, jump, err);
    } else if (w->doubted && (jump <= WITNESS_STEP || uptime - w->doubted >= WITNESS_DOUBT)) {
        w->doubted = 0;
        err_set(err, "the clock is believed again in %s", folder);
    }
    if (w->doubted)
        return w->offset + uptime;
    w->offset = now - uptime;
    note_look(w, path, now, uptime, err);
    return now;
}
