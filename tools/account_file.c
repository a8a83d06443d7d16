#include "tools/account_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/role_user.h"

#define NEW_MODE 0640

/* Started by root, the directory process runs as a user of its own. */
static int let_read(const struct conf *conf, int fd, const char *path, struct err *err)
{
    uid_t uid;
    gid_t gid;
    if (geteuid() != 0)
        return 0;
    if (role_user_find(conf, "directory", &uid, &gid, err) < 0)
        return -1;
    return fchown(fd, 0, gid) == 0 ? 0 : err_sys(err, "cannot give %s its group", path);
}

static int make(const struct conf *conf, const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, NEW_MODE);
    if (fd < 0)
        return errno == EEXIST ? 0 : err_sys(err, "cannot make %s", path);
    int result = let_read(conf, fd, path, err);
    if (result == 0 && fchmod(fd, NEW_MODE) < 0) /* whatever the umask is */
        result = err_sys(err, "cannot set the mode of %s", path);
    if (result == 0)
        result = fsio_write(fd, STR(ACCOUNT_FILE_FIRST), path, err);
    fsio_close_quiet(&fd);
    if (result < 0)
        unlink(path);
    return result;
}

/* 1: it has the lock, of the file that has this name; 0: another took its place meanwhile. */
static int lock(struct account_file *file, struct err *err)
{
    struct stat now;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0)
        return err_sys(err, "cannot open %s", file->path);
    while (flock(file->fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return err_sys(err, "cannot lock %s", file->path);
    if (fstat(file->fd, &file->st) < 0 || !S_ISREG(file->st.st_mode))
        return err_set(err, "%s is not a file", file->path);
    if (stat(file->path, &now) < 0 || now.st_ino != file->st.st_ino ||
        now.st_dev != file->st.st_dev) {
        fsio_close_quiet(&file->fd);
        return 0;
    }
    return 1;
}

int account_file_open(const struct conf *conf, const char *path, size_t max,
                      struct account_file *file, struct err *err)
{
    *file = (struct account_file){.fd = -1, .text = BUF_INIT(max)};
    int locked = 0;
    if (access(path, F_OK) < 0 && make(conf, path, err) < 0)
        return -1;
    while (locked == 0) {
        if (realpath(path, file->path) == NULL)
            return err_sys(err, "cannot find %s", path);
        locked = lock(file, err);
    }
    if (locked > 0 && fsio_read_fd(file->fd, &file->text, file->path, err) == 0)
        return 0;
    account_file_close(file);
    return -1;
}

/* What may not be set as it was is not done at all: a secret must not be readable for more. */
static int write_beside(const struct account_file *file, const char *beside, struct str text,
                        struct err *err)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "cannot create %s", beside);
    int result = fsio_write(fd, text, beside, err);
    if (result == 0 && fchown(fd, file->st.st_uid, file->st.st_gid) < 0)
        result =
            err_sys(err, "cannot give %s the owner of %s; try again as root", beside, file->path);
    if (result == 0 && (fchmod(fd, file->st.st_mode & 0777) < 0 || fsync(fd) < 0))
        result = err_sys(err, "cannot write %s", beside);
    if (fsio_close(&fd, beside, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

int account_file_replace(struct account_file *file, struct str text, struct err *err)
{
    char beside[PATH_MAX + 32], folder[PATH_MAX];
    snprintf(beside, sizeof beside, "%s.%ld", file->path, (long)getpid());
    str_copy(str_of(file->path), folder, sizeof folder);
    int result = write_beside(file, beside, text, err);
    if (result == 0 && rename(beside, file->path) < 0)
        result = err_sys(err, "cannot put the new %s in its place", file->path);
    if (result < 0)
        unlink(beside);
    return result < 0 ? -1 : fsio_sync_dir(dirname(folder), err);
}

void account_file_close(struct account_file *file)
{
    if (file->text.p)
        explicit_bzero(file->text.p, file->text.cap);
    buf_release(&file->text);
    fsio_close_quiet(&file->fd);
}
