#include "gateway/antivirus/tmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

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

int antivirus_tmp_take(char *name, size_t size, struct err *err)
{
    for (unsigned i = 0; i < ANTIVIRUS_TMP_FOLDERS; i++) {
        snprintf(name, size, "%u", i);
        int fd = try_folder(name);
        if (fd < 0 && errno == EWOULDBLOCK)
            continue;
        if (fd < 0)
            return err_sys(err, "cannot make the temporary folder %s", name);
        if (fsio_empty_dir(name, err) == 0)
            return fd;
        /* one that stays full must not end every worker that comes to it */
        log_warning("temporary folder %s is passed over: %s", name, err->text);
        close(fd);
    }
    return err_set(err, "all %d temporary folders are in use or can't be emptied",
                   ANTIVIRUS_TMP_FOLDERS);
}
