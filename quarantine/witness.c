#include "quarantine/witness.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define WITNESS_MODE 0640

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

bool witness_trusts(const char *folder, int64_t now, bool anyway, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    err->text[0] = '\0';
    if (fsio_join(path, sizeof path, folder, WITNESS_FILE, err) < 0)
        return anyway;
    int64_t passed = lstat(path, &st) == 0 ? now - (int64_t)st.st_mtime : 0;
    if (passed > WITNESS_JUMP && !anyway) {
        err_set(err,
                "the clock went on by %lld days since what is held was last looked through: "
                "nothing expires for a day; set the clock right, or, if it is right, \"poterne "
                "quarantine expire\" removes what is old at once",
                (long long)(passed / 86400));
        return false;
    }
    note(path, now, err);
    return true;
}
