#include "gateway/antivirus/tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Returns the locked folder, -1 with errno EWOULDBLOCK when another worker has it. */
static int try_folder(const char *name)
{
    if (mkdir(name, 0700) < 0 && errno != EEXIST)
        return -1;
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int remove_entry(const FTSENT *entry)
{
    if (entry->fts_level == FTS_ROOTLEVEL || entry->fts_info == FTS_D)
        return 0;
    if (entry->fts_info == FTS_DP)
        return rmdir(entry->fts_accpath);
    return unlink(entry->fts_accpath);
}

static int empty_folder(char *name, struct err *err)
{
    char *const roots[] = {name, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    if (!tree)
        return err_sys(err, "cannot read the temporary folder %s", name);
    int result = 0;
    const FTSENT *entry;
    while (result == 0 && (entry = fts_read(tree)) != NULL)
        if (remove_entry(entry) < 0)
            result = err_sys(err, "cannot remove %s left in a temporary folder", entry->fts_path);
    fts_close(tree);
    return result;
}

int antivirus_tmp_take(char *name, size_t size, struct err *err)
{
    for (unsigned i = 0; i < ANTIVIRUS_TMP_FOLDERS; i++) {
        snprintf(name, size, "%u", i);
        int fd = try_folder(name);
        if (fd < 0 && errno == EWOULDBLOCK)
            continue;
        if (fd < 0)
            return err_sys(err, "cannot make the temporary folder %s", name);
        if (empty_folder(name, err) == 0)
            return fd;
        close(fd);
        return -1;
    }
    return err_set(err, "all %d temporary folders are in use", ANTIVIRUS_TMP_FOLDERS);
}
