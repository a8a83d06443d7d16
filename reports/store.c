#include "reports/store_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "reports/order.h"

#define LOCK_WAIT_MS  60000 /* a decision about ten thousand holds it for some seconds */
#define LOCK_PAUSE_MS 5
#define FOLDER_MODE   02770 /* the processes share a group, and so does who looks */
#define POOL_MAX      (4 * PROPOSAL_FACTS_MAX)

/* --- one change at a time --- */

static int lock(struct proposals *store, struct err *err)
{
    const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
    for (int waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_PAUSE_MS) {
        if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0) {
            store->locked = true;
            return 0;
        }
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_sys(err, "cannot lock %s/lock", store->folder);
        nanosleep(&pause, NULL);
    }
    return err_set(err, "%s is being changed by another process for more than %d seconds",
                   store->folder, LOCK_WAIT_MS / 1000);
}

static void unlock(struct proposals *store)
{
    if (store->locked)
        flock(store->lock_fd, LOCK_UN);
    store->locked = false;
}

static int begin(struct proposals *store, struct err *err)
{
    if (store_index_check(store, err) < 0)
        return -1;
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return store_index_fail(store, "cannot begin", err);
    if (!store->stale)
        return 0;
    if (store_index_renew(store, err) < 0)
        return -1;
    store->stale = false;
    return 0;
}

int store_begin(struct proposals *store, struct err *err)
{
    if (store->lock_fd < 0)
        return err_set(err, "%s was opened only to look", store->folder);
    if (lock(store, err) < 0)
        return -1;
    if (begin(store, err) == 0)
        return 0;
    store_end(store, false, err);
    /* Damage that showed only while it was read: once more, with a new one. */
    if (!store->damaged || lock(store, err) < 0)
        return -1;
    return begin(store, err) == 0 ? 0 : store_end(store, false, err);
}

int store_end(struct proposals *store, bool keep, struct err *err)
{
    if (keep && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        store_index_fail(store, "cannot commit", err);
        keep = false;
    }
    if (!keep) {
        store->stale = true;
        if (store->db)
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    unlock(store);
    return keep ? 0 : -1;
}

/* --- opening --- */

static struct proposals *store_new(const char *folder, struct err *err)
{
    struct proposals *store = calloc(1, sizeof *store);
    if (store == NULL) {
        err_set(err, "out of memory for the proposals");
        return NULL;
    }
    store->files_fd = store->lock_fd = -1;
    store->bytes = BUF_INIT(PROPOSAL_FACTS_MAX);
    store->pool = pool_new(POOL_MAX);
    if (store->pool == NULL)
        err_set(err, "out of memory for the proposals");
    else if (!str_copy(str_of(folder), store->folder, sizeof store->folder))
        err_set(err, "%s: path too long", folder);
    else if (fsio_join(store->files, sizeof store->files, folder, "proposals", err) == 0 &&
             fsio_join(store->index, sizeof store->index, folder, "index.sqlite", err) == 0)
        return store;
    proposals_close(&store);
    return NULL;
}

static int folder_open(const char *path, int *fd, struct err *err)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *fd < 0 ? err_sys(err, "cannot open folder %s", path) : 0;
}

static int find_owner(struct proposals *store, struct err *err)
{
    struct stat st;
    if (stat(store->folder, &st) < 0)
        return err_sys(err, "cannot use folder %s", store->folder);
    store->owner = st.st_uid;
    store->group = st.st_gid;
    store->gives = geteuid() == 0 && st.st_uid != 0;
    return 0;
}

/* Made if need be, for the store's owner. */
static int folder_make(const struct proposals *store, const char *path, int *fd, struct err *err)
{
    if (fsio_mkdir(path, FOLDER_MODE, err) < 0 || folder_open(path, fd, err) < 0)
        return -1;
    return store_give(store, *fd, path, err);
}

static int open_to_write(struct proposals *store, struct err *err)
{
    char path[PATH_MAX];
    int orders_fd = -1;
    if (find_owner(store, err) < 0 || folder_make(store, store->files, &store->files_fd, err) < 0 ||
        fsio_join(path, sizeof path, store->folder, ORDERS_DIR, err) < 0)
        return -1;
    int made = folder_make(store, path, &orders_fd, err);
    fsio_close_quiet(&orders_fd);
    if (made < 0)
        return -1;
    if (fsio_join(path, sizeof path, store->folder, "lock", err) < 0)
        return -1;
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0660);
    if (store->lock_fd < 0)
        return err_sys(err, "cannot open lock %s", path);
    if (store_give(store, store->lock_fd, path, err) < 0)
        return -1;
    if (store_begin(store, err) < 0)
        return -1;
    return store_end(store, true, err);
}

static struct proposals *open_as(const char *folder, bool stale, struct err *err)
{
    struct proposals *store = store_new(folder, err);
    if (store)
        store->stale = stale;
    if (store && open_to_write(store, err) < 0)
        proposals_close(&store);
    return store;
}

struct proposals *proposals_open(const char *folder, struct err *err)
{
    return open_as(folder, true, err);
}

struct proposals *proposals_reopen(const char *folder, struct err *err)
{
    return open_as(folder, false, err);
}

struct proposals *proposals_view(const char *folder, struct err *err)
{
    struct proposals *store = store_new(folder, err);
    if (store == NULL)
        return NULL;
    if (access(store->files, F_OK) < 0 && errno == ENOENT)
        err_set(err, "nothing was reported yet: there is no %s", store->files);
    else if (folder_open(store->files, &store->files_fd, err) == 0 &&
             store_index_open(store, err) == 0)
        return store;
    proposals_close(&store);
    return NULL;
}

void proposals_close(struct proposals **store)
{
    struct proposals *gone = *store;
    if (gone == NULL)
        return;
    sqlite3_close(gone->db);
    fsio_close_quiet(&gone->files_fd);
    fsio_close_quiet(&gone->lock_fd);
    pool_free(&gone->pool);
    buf_release(&gone->bytes);
    free(gone);
    *store = NULL;
}

int proposals_load(struct proposals *store, uint64_t number, struct pool *pool,
                   struct proposal *proposal, struct err *err)
{
    bool damaged;
    return store_facts(store, number, pool, proposal, &damaged, err);
}
