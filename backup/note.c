#include "backup/note.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define FOLDER    "reports"
#define BESIDE    BACKUP_NOTE ".new"
#define FILE_MODE 0660 /* the folder gives it its group, which is the reader's */

static int open_folder(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, state_dir, FOLDER, err) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_sys(err, "cannot open %s", path) : fd;
}

static int write_beside(int dir_fd, struct str why, struct err *err)
{
    if (unlinkat(dir_fd, BESIDE, 0) < 0 && errno != ENOENT)
        return err_sys(err, "cannot replace " BESIDE);
    int fd =
        openat(dir_fd, BESIDE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot write " BESIDE);
    int result = fsio_write(fd, why, BESIDE, err);
    if (result == 0 && fchmod(fd, FILE_MODE) < 0)
        result = err_sys(err, "cannot set the mode of " BESIDE);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot write " BESIDE " to disk");
    if (fsio_close(&fd, BESIDE, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

int backup_note_leave(const char *state_dir, const char *why, struct err *err)
{
    int dir_fd = open_folder(state_dir, err);
    if (dir_fd < 0)
        return -1;
    int result = write_beside(dir_fd, str_sub(str_of(why), 0, BACKUP_NOTE_MAX - 1), err);
    if (result == 0 && renameat(dir_fd, BESIDE, dir_fd, BACKUP_NOTE) < 0)
        result = err_sys(err, "cannot rename " BESIDE);
    if (result == 0 && fsync(dir_fd) < 0)
        result = err_sys(err, "cannot write %s/" FOLDER " to disk", state_dir);
    close(dir_fd);
    return result;
}

int backup_note_read(const char *state_dir, char why[BACKUP_NOTE_MAX], struct err *err)
{
    struct buf text = {.p = why, .cap = BACKUP_NOTE_MAX, .max = BACKUP_NOTE_MAX - 1};
    int dir_fd = open_folder(state_dir, err);
    if (dir_fd < 0)
        return -1;
    int fd = openat(dir_fd, BACKUP_NOTE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int result = fd >= 0 ? 1 : errno == ENOENT ? 0 : err_sys(err, "cannot read " BACKUP_NOTE);
    close(dir_fd);
    if (fd >= 0 && fsio_read_fd(fd, &text, BACKUP_NOTE, err) < 0)
        result = -1;
    if (result == 1)
        why[text.n] = '\0';
    fsio_close_quiet(&fd);
    return result;
}

int backup_note_remove(const char *state_dir, struct err *err)
{
    int dir_fd = open_folder(state_dir, err);
    if (dir_fd < 0)
        return -1;
    int result = unlinkat(dir_fd, BACKUP_NOTE, 0);
    if (result < 0 && errno == ENOENT)
        result = 0;
    else if (result < 0)
        err_sys(err, "cannot remove " BACKUP_NOTE);
    close(dir_fd);
    return result;
}
