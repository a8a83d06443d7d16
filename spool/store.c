#include "spool/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fsio.h"

#define FOLDER_MODE    02770
#define SET_ASIDE_MAX  100 /* names ID, ID.1 … in corrupt/ */
#define ASIDE_NAME_MAX (SPOOL_ID_LEN + 8)

/* One caller of folder_sync(); lives on its stack. */
struct sync_wait {
    struct sync_wait *next;
    bool done;
    int error;
};

static int folder_open(struct folder *folder, const char *name, const char *root, struct err *err)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", root, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, "%s: path of the state folder is too long", root);
    folder->name = name;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0 && errno == ENOENT) {
        if (fsio_mkdir(path, FOLDER_MODE, err) < 0)
            return -1;
        folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return folder->fd >= 0 ? 0 : err_sys(err, "cannot open folder %s", path);
}

static struct spool *open_folders(const char *root, bool all, struct err *err)
{
    static const char *const names[FOLDERS] = {[FOLDER_QUEUE] = "queue",
                                               [FOLDER_QUARANTINE] = "quarantine",
                                               [FOLDER_KEPT] = "kept",
                                               [FOLDER_INCOMING] = "incoming",
                                               [FOLDER_CORRUPT] = "corrupt"};
    struct spool *spool = calloc(1, sizeof *spool);
    if (spool == NULL || (spool->root = strdup(root)) == NULL) {
        free(spool);
        err_set(err, "out of memory for the spool");
        return NULL;
    }
    for (size_t i = 0; i < FOLDERS; i++) {
        spool->folders[i].fd = -1;
        pthread_mutex_init(&spool->folders[i].lock, NULL);
        pthread_cond_init(&spool->folders[i].done, NULL);
    }
    for (size_t i = 0; i < FOLDERS; i++)
        if ((all || i == FOLDER_QUEUE || i == FOLDER_INCOMING) &&
            folder_open(&spool->folders[i], names[i], root, err) < 0) {
            spool_close(&spool);
            return NULL;
        }
    return spool;
}

struct spool *spool_open(const char *root, struct err *err)
{
    return open_folders(root, true, err);
}

struct spool *spool_open_outgoing(const char *root, struct err *err)
{
    return open_folders(root, false, err);
}

void spool_close(struct spool **spool)
{
    if (*spool == NULL)
        return;
    for (size_t i = 0; i < FOLDERS; i++) {
        fsio_close_quiet(&(*spool)->folders[i].fd);
        pthread_mutex_destroy(&(*spool)->folders[i].lock);
        pthread_cond_destroy(&(*spool)->folders[i].done);
    }
    free((*spool)->root);
    free(*spool);
    *spool = NULL;
}

static void tell_all(struct sync_wait *batch, int error)
{
    while (batch) {
        struct sync_wait *next = batch->next;
        batch->error = error;
        batch->done = true;
        batch = next;
    }
}

/* After an fsync that failed the kernel may have dropped what was not written, and say of that
 * descriptor that all is well: the next one is asked of another. */
static void renew_descriptor(struct folder *folder)
{
    int fresh = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fresh >= 0)
        dup3(fresh, folder->fd, O_CLOEXEC);
    fsio_close_quiet(&fresh);
}

/* Syncs for all that wait now; who comes during it waits for the next one, since the kernel may
 * already have passed over its change - or have dropped it, where it failed. Called and left with
 * the lock held. */
static void sync_for_waiting(struct folder *folder)
{
    struct sync_wait *batch = folder->waiting;
    folder->waiting = NULL;
    folder->syncing = true;
    pthread_mutex_unlock(&folder->lock);
    int error = fsync(folder->fd) == 0 ? 0 : errno;
    if (error)
        renew_descriptor(folder);
    pthread_mutex_lock(&folder->lock);
    tell_all(batch, error);
    if (error) {
        tell_all(folder->waiting, error);
        folder->waiting = NULL;
    }
    folder->syncing = false;
    pthread_cond_broadcast(&folder->done);
}

int folder_sync(struct folder *folder, const char *root, struct err *err)
{
    struct sync_wait self = {0};
    pthread_mutex_lock(&folder->lock);
    self.next = folder->waiting;
    folder->waiting = &self;
    while (!self.done) {
        if (folder->syncing)
            pthread_cond_wait(&folder->done, &folder->lock);
        else
            sync_for_waiting(folder);
    }
    pthread_mutex_unlock(&folder->lock);
    errno = self.error;
    return self.error == 0 ? 0 : err_sys(err, "cannot fsync folder %s/%s", root, folder->name);
}

int spool_sync_folder(struct spool *spool, enum spool_state state, struct err *err)
{
    return folder_sync(spool_folder(spool, state), spool->root, err);
}

int spool_sync_all(struct spool *spool, struct err *err)
{
    if (syncfs(spool_folder(spool, SPOOL_QUEUE)->fd) == 0)
        return 0;
    return err_sys(err, "%s: cannot write everything to the disk", spool->root);
}

int spool_rename(struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
                 struct err *err)
{
    const struct folder *a = spool_folder(spool, from);
    const struct folder *b = spool_folder(spool, to);
    if (renameat(a->fd, id, b->fd, id) < 0)
        return err_sys(err, "cannot move %s/%s/%s to %s/", spool->root, a->name, id, b->name);
    return 0;
}

int spool_move(struct spool *spool, const char *id, enum spool_state from, enum spool_state to,
               struct err *err)
{
    struct folder *a = spool_folder(spool, from);
    struct folder *b = spool_folder(spool, to);
    if (spool_rename(spool, id, from, to, err) < 0)
        return -1;
    if (folder_sync(b, spool->root, err) < 0)
        return -1;
    return folder_sync(a, spool->root, err);
}

int spool_remove(struct spool *spool, enum spool_state state, const char *id, struct err *err)
{
    struct folder *folder = spool_folder(spool, state);
    if (unlinkat(folder->fd, id, 0) < 0)
        return err_sys(err, "cannot remove %s/%s/%s", spool->root, folder->name, id);
    return 0;
}

/* A name in corrupt/ that is not taken. */
static bool aside_name(struct spool *spool, const char *id, char *name, size_t size)
{
    struct stat st;
    for (unsigned i = 0; i < SET_ASIDE_MAX; i++) {
        if (i == 0)
            snprintf(name, size, "%s", id);
        else
            snprintf(name, size, "%s.%u", id, i);
        if (fstatat(spool->folders[FOLDER_CORRUPT].fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return errno == ENOENT;
    }
    errno = EEXIST;
    return false;
}

int spool_set_aside(struct spool *spool, enum spool_state state, const char *id, struct err *err)
{
    struct folder *from = spool_folder(spool, state);
    struct folder *to = &spool->folders[FOLDER_CORRUPT];
    char name[ASIDE_NAME_MAX];
    if (!aside_name(spool, id, name, sizeof name) || renameat(from->fd, id, to->fd, name) < 0)
        return err_sys(err, "cannot set aside %s/%s/%s in corrupt/", spool->root, from->name, id);
    if (folder_sync(to, spool->root, err) < 0)
        return -1;
    return folder_sync(from, spool->root, err);
}

void set_unsaid_aside(struct spool *spool, const struct folder *from, const char *id)
{
    int saved = errno;
    char name[ASIDE_NAME_MAX];
    const struct folder *to = &spool->folders[FOLDER_CORRUPT];
    snprintf(name, sizeof name, "%s.unsaid", id);
    bool few = to->fd >= 0 && atomic_fetch_add(&spool->unsaid, 1) < SPOOL_UNSAID_MAX;
    if (!few || renameat(from->fd, id, to->fd, name) < 0)
        unlinkat(from->fd, id, 0);
    errno = saved;
}

int spool_room(struct spool *spool, struct spool_room *room, struct err *err)
{
    return spool_room_of(spool->folders[FOLDER_INCOMING].fd, spool->root, room, err);
}

int spool_room_of(int fd, const char *path, struct spool_room *room, struct err *err)
{
    struct statvfs fs;
    if (fstatvfs(fd, &fs) < 0)
        return err_sys(err, "cannot ask for the free space of %s", path);
    room->bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    room->files = fs.f_files ? fs.f_favail : UINT64_MAX; /* btrfs makes them as they are needed */
    return 0;
}
