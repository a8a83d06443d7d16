#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP (64 * 1024)

int fsio_write(int fd, struct str bytes, const char *path, struct err *err)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.s, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot write %s", path);
        bytes = str_from(bytes, (size_t)n);
    }
    return 0;
}

int fsio_pwrite(int fd, struct str bytes, off_t at, const char *path, struct err *err)
{
    while (bytes.n) {
        ssize_t n = pwrite(fd, bytes.s, bytes.n, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot write %s", path);
        bytes = str_from(bytes, (size_t)n);
        at += n;
    }
    return 0;
}

int fsio_join(char *out, size_t size, const char *folder, const char *name, struct err *err)
{
    int n = snprintf(out, size, "%s/%s", folder, name);
    return n < 0 || (size_t)n >= size ? err_set(err, "%s/%s: the path is too long", folder, name)
                                      : 0;
}

ssize_t fsio_pread_some(int fd, char *into, size_t n, off_t at)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = pread(fd, into + have, n - have, at + (off_t)have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

int fsio_pread(int fd, struct buf *out, size_t n, off_t at, const char *path, struct err *err)
{
    char *to = buf_room(out, n);
    if (to == NULL)
        return err_set(err, "%s: no room for %zu bytes (limit %zu)", path, n, out->max);
    ssize_t got = fsio_pread_some(fd, to, n, at);
    if (got < 0)
        return err_sys(err, "cannot read %s", path);
    if ((size_t)got < n)
        return err_set(err, "%s is cut short: %zu bytes wanted at %lld, %zu there", path, n,
                       (long long)at, (size_t)got);
    buf_filled(out, n);
    return 0;
}

int fsio_read_fd(int fd, struct buf *out, const char *path, struct err *err)
{
    off_t at = 0;
    for (;;) {
        size_t left = out->max - out->n;
        size_t step = left < READ_STEP ? left : READ_STEP;
        char probe = 0;
        char *to = step ? buf_room(out, step) : &probe;
        if (to == NULL)
            return err_set(err, "%s: out of memory", path);
        ssize_t n = pread(fd, to, step ? step : 1, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot read %s", path);
        if (n == 0)
            return 0;
        if (step == 0)
            return err_set(err, "%s is larger than the limit of %zu bytes", path, out->max);
        buf_filled(out, (size_t)n);
        at += n;
    }
}

int fsio_read_file(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = fsio_read_fd(fd, out, path, err);
    close(fd);
    return result;
}

int fsio_close(int *fd, const char *path, struct err *err)
{
    int result = close(*fd);
    *fd = -1;
    return result == 0 ? 0 : err_sys(err, "cannot close %s", path);
}

void fsio_close_quiet(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int fsio_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open folder %s", path);
    int result = fsync(fd) == 0 ? 0 : err_sys(err, "cannot fsync folder %s", path);
    close(fd);
    return result;
}

int fsio_sync_file_system(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = syncfs(fd) == 0 ? 0 : err_sys(err, "cannot write %s to the disk", path);
    close(fd);
    return result;
}

int fsio_sync_parent(const char *path, struct err *err)
{
    char folder[PATH_MAX] = ".";
    struct str whole = str_of(path);
    while (whole.n > 1 && whole.s[whole.n - 1] == '/')
        whole.n--;
    size_t slash = str_rchr(whole, '/');
    if (slash != STR_NONE && !str_copy(str_sub(whole, 0, slash ? slash : 1), folder, sizeof folder))
        return err_set(err, "%s: path too long", path);
    if (fsio_sync_dir(folder, err) == 0)
        return 0;
    return errno == EACCES ? fsio_sync_file_system(path, err) : -1;
}

int fsio_rename_durable(const char *from, const char *to, struct err *err)
{
    if (rename(from, to) < 0)
        return err_sys(err, "cannot rename %s to %s", from, to);
    return fsio_sync_parent(to, err);
}

int fsio_replace(const char *path, struct str bytes, mode_t mode, struct err *err)
{
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof beside)
        return err_set(err, "%s: path too long", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_sys(err, "cannot create %s", beside);
    int result = fsio_write(fd, bytes, beside, err);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s", beside);
    if (result < 0)
        close(fd);
    else
        result = fsio_close(&fd, beside, err);
    if (result < 0) {
        unlink(beside);
        return -1;
    }
    return fsio_rename_durable(beside, path, err);
}

/* 1: made; 0: it was there. */
static int make_folder(const char *path, mode_t mode, struct err *err)
{
    struct stat st;
    if (mkdir(path, mode) == 0)
        return chmod(path, mode) == 0 ? 1 : err_sys(err, "cannot set the mode of %s", path);
    if (errno != EEXIST)
        return err_sys(err, "cannot make folder %s", path);
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, "%s is there but is not a folder", path);
    return 0;
}

int fsio_mkdir_passing(const char *path, mode_t mode, struct err *err)
{
    return make_folder(path, mode, err) < 0 ? -1 : 0;
}

int fsio_mkdir(const char *path, mode_t mode, struct err *err)
{
    int made = make_folder(path, mode, err);
    if (made < 0)
        return -1;
    if (fsio_sync_parent(path, err) == 0)
        return 0;
    int saved = errno;
    if (made)
        rmdir(path);
    errno = saved;
    return -1;
}

int fsio_lock(const char *path, struct err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
    if (fd < 0)
        return err_sys(err, "cannot open lock %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (errno == EWOULDBLOCK)
        err_set(err, "%s is locked by another process", path);
    else
        err_sys(err, "cannot lock %s", path);
    close(fd);
    return -1;
}

static int remove_entry(const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        errno = entry->fts_errno;
        return -1;
    case FTS_D:
        /* whoever made it may have closed it, even to its owner */
        return entry->fts_level == FTS_ROOTLEVEL ? 0 : chmod(entry->fts_accpath, 0700);
    case FTS_DP:
        return entry->fts_level == FTS_ROOTLEVEL ? 0 : rmdir(entry->fts_accpath);
    default:
        return entry->fts_level == FTS_ROOTLEVEL ? 0 : unlink(entry->fts_accpath);
    }
}

int fsio_empty_dir(const char *path, struct err *err)
{
    char *const roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    if (tree == NULL)
        return err_sys(err, "cannot read folder %s", path);
    int result = 0;
    const FTSENT *entry;
    while (result == 0 && (entry = fts_read(tree)) != NULL)
        if (remove_entry(entry) < 0)
            result = err_sys(err, "cannot remove %s", entry->fts_path);
    if (result == 0 && errno != 0) /* fts_read says so */
        result = err_sys(err, "cannot read folder %s", path);
    fts_close(tree);
    return result;
}

void fsio_wake(int fd)
{
    const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}
