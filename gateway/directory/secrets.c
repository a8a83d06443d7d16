#include "gateway/directory/secrets.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "directory/file.h"

#define RETRY_AFTER 60 /* seconds until a file that was wrong is read again, though the same */

struct secrets {
    const char *path;
    struct stat seen, loaded, failed;
    time_t retry_at;
    pthread_mutex_t lock;
    struct factor_file *file; /* under the lock */
};

static int load(struct secrets *s, struct err *err)
{
    struct factor_file *fresh;
    struct stat before = s->seen;
    if (factor_file_read(s->path, &fresh, err) < 0) {
        s->failed = before;
        s->retry_at = clock_seconds() + RETRY_AFTER;
        return -1;
    }
    if (before.st_mode & S_IROTH)
        log_warning("%s: everybody on this machine can read these secrets", s->path);
    pthread_mutex_lock(&s->lock);
    struct factor_file *old = s->file;
    s->file = fresh;
    pthread_mutex_unlock(&s->lock);
    factor_file_free(&old);
    s->loaded = before;
    return 0;
}

struct secrets *secrets_open(const char *path, struct err *err)
{
    struct secrets *s = calloc(1, sizeof *s);
    if (s == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    s->path = path;
    pthread_mutex_init(&s->lock, NULL);
    if (path && stat(path, &s->seen) < 0)
        err_sys(err, "cannot look at %s", path);
    else if (path == NULL || load(s, err) == 0)
        return s;
    secrets_close(&s);
    return NULL;
}

void secrets_close(struct secrets **secrets)
{
    struct secrets *gone = *secrets;
    *secrets = NULL;
    if (gone == NULL)
        return;
    factor_file_free(&gone->file);
    pthread_mutex_destroy(&gone->lock);
    free(gone);
}

void secrets_refresh(struct secrets *s)
{
    struct stat st = {0};
    struct err err = {""};
    if (s->path == NULL)
        return;
    bool there = stat(s->path, &st) == 0;
    bool settled = there && file_same(&st, &s->seen);
    s->seen = st;
    if (there && (!settled || file_same(&st, &s->loaded)))
        return;
    if (file_same(&st, &s->failed) && clock_seconds() < s->retry_at)
        return;
    if (!there) {
        err_sys(&err, "cannot look at %s", s->path);
        s->failed = st;
        s->retry_at = clock_seconds() + RETRY_AFTER;
    } else if (load(s, &err) == 0) {
        log_info("%s: read anew", s->path);
        return;
    }
    log_error("%s; what was read before stays in service", err.text);
}

struct factor_file *secrets_now(struct secrets *s)
{
    pthread_mutex_lock(&s->lock);
    struct factor_file *file = factor_file_share(s->file);
    pthread_mutex_unlock(&s->lock);
    return file;
}
