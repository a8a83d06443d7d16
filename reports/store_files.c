/* store_files: originals and facts on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "reports/store_open.h"

/* From so many files on, one sync of the file system costs less than one of each file. */
#define SYNC_EACH_MAX 8

void store_name(uint64_t number, const char *kind, char out[STORE_NAME_SIZE])
{
    snprintf(out, STORE_NAME_SIZE, "%llu.%s", (unsigned long long)number, kind);
}

uint64_t store_number(const char *name, const char *kind)
{
    struct str whole = str_of(name);
    size_t dot = str_chr(whole, '.');
    uint64_t number;
    if (dot == STR_NONE || !str_eq(str_from(whole, dot + 1), str_of(kind)) ||
        !str_to_u64(str_sub(whole, 0, dot), INT64_MAX, &number))
        return 0;
    return number;
}

bool store_has(const struct proposals *store, uint64_t number, const char *kind)
{
    char name[STORE_NAME_SIZE];
    store_name(number, kind, name);
    return faccessat(store->files_fd, name, F_OK, 0) == 0;
}

/* 1; 0 not there; -1. */
static int read_file(const struct proposals *store, uint64_t number, const char *kind,
                     struct buf *out, struct err *err)
{
    char name[STORE_NAME_SIZE];
    store_name(number, kind, name);
    int fd = openat(store->files_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot open %s/%s", store->files, name);
    int result = fsio_read_fd(fd, out, name, err) < 0 ? -1 : 1;
    close(fd);
    return result;
}

int store_facts(struct proposals *store, uint64_t number, struct pool *pool,
                struct proposal *proposal, bool *damaged, struct err *err)
{
    *damaged = false;
    buf_clear(&store->bytes);
    int got = read_file(store, number, STORE_FACTS, &store->bytes, err);
    if (got <= 0)
        return got;
    if (proposal_get(buf_str(&store->bytes), pool, proposal, err) < 0) {
        *damaged = true;
        return err_prefix(err, "%s/%llu.facts", store->files, (unsigned long long)number);
    }
    if (proposal->number != number) {
        *damaged = true;
        return err_set(err, "%s/%llu.facts are those of number %llu", store->files,
                       (unsigned long long)number, (unsigned long long)proposal->number);
    }
    proposal->kept = store_has(store, number, STORE_ORIGINAL);
    return 1;
}

int proposals_original(struct proposals *store, uint64_t number, struct buf *out, struct err *err)
{
    return read_file(store, number, STORE_ORIGINAL, out, err);
}

int store_give(const struct proposals *store, int fd, const char *path, struct err *err)
{
    if (!store->gives || fchown(fd, store->owner, store->group) == 0)
        return 0;
    return err_sys(err, "cannot give %s to user %u", path, store->owner);
}

static int write_file(const struct proposals *store, const char *name, struct str bytes, bool sync,
                      struct err *err)
{
    int fd = openat(store->files_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    STORE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot create %s/%s", store->files, name);
    int result = store_give(store, fd, name, err);
    if (result == 0)
        result = fsio_write(fd, bytes, name, err);
    if (result == 0 && sync && fsync(fd) < 0)
        result = err_sys(err, "cannot fsync %s/%s", store->files, name);
    if (result == 0)
        return fsio_close(&fd, name, err);
    close(fd);
    unlinkat(store->files_fd, name, 0);
    return -1;
}

/* No rename: without facts beside it, it is nothing, and is removed at the next opening. */
int store_original_write(struct proposals *store, uint64_t number, struct str original,
                         struct err *err)
{
    char name[STORE_NAME_SIZE];
    store_name(number, STORE_ORIGINAL, name);
    return write_file(store, name, original, true, err);
}

static int drop(const struct proposals *store, uint64_t number, const char *kind, struct err *err)
{
    char name[STORE_NAME_SIZE];
    store_name(number, kind, name);
    if (unlinkat(store->files_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    return err_sys(err, "cannot remove %s/%s", store->files, name);
}

int store_original_drop(struct proposals *store, uint64_t number, struct err *err)
{
    return drop(store, number, STORE_ORIGINAL, err);
}

int store_files_drop(struct proposals *store, uint64_t number, struct err *err)
{
    if (drop(store, number, STORE_FACTS, err) < 0)
        return -1;
    return drop(store, number, STORE_ORIGINAL, err);
}

int store_facts_stage(struct proposals *store, const struct proposal *proposal, struct err *err)
{
    char name[STORE_NAME_SIZE];
    store_name(proposal->number, STORE_NEW, name);
    buf_clear(&store->bytes);
    proposal_put(&store->bytes, proposal);
    if (!buf_ok(&store->bytes))
        return err_set(err, "out of memory for a proposal's facts");
    return write_file(store, name, buf_str(&store->bytes), false, err);
}

static int sync_staged(const struct proposals *store, const uint64_t *numbers, size_t n,
                       struct err *err)
{
    char name[STORE_NAME_SIZE];
    if (n > SYNC_EACH_MAX)
        return syncfs(store->files_fd) == 0 ? 0 : err_sys(err, "cannot sync %s", store->files);
    for (size_t i = 0; i < n; i++) {
        store_name(numbers[i], STORE_NEW, name);
        int fd = openat(store->files_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        int synced = fd < 0 ? -1 : fsync(fd);
        if (synced < 0)
            err_sys(err, "cannot fsync %s/%s", store->files, name);
        fsio_close_quiet(&fd);
        if (synced < 0)
            return -1;
    }
    return 0;
}

int store_facts_commit(struct proposals *store, const uint64_t *numbers, size_t n, struct err *err)
{
    char from[STORE_NAME_SIZE], to[STORE_NAME_SIZE];
    if (n == 0)
        return 0;
    if (sync_staged(store, numbers, n, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        store_name(numbers[i], STORE_NEW, from);
        store_name(numbers[i], STORE_FACTS, to);
        if (renameat(store->files_fd, from, store->files_fd, to) < 0)
            return err_sys(err, "cannot rename %s/%s to %s", store->files, from, to);
    }
    if (fsync(store->files_fd) < 0)
        return err_sys(err, "cannot fsync folder %s", store->files);
    return 0;
}

int store_files_aside(struct proposals *store, uint64_t number, struct err *err)
{
    static const char *const kinds[] = {STORE_ORIGINAL, STORE_FACTS};
    char name[STORE_NAME_SIZE], folder[PATH_MAX], to[PATH_MAX];
    if (fsio_join(folder, sizeof folder, store->folder, STORE_DAMAGED_DIR, err) < 0 ||
        fsio_mkdir(folder, 0770, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        store_name(number, kinds[i], name);
        if (fsio_join(to, sizeof to, folder, name, err) < 0)
            return -1;
        if (renameat(store->files_fd, name, AT_FDCWD, to) < 0 && errno != ENOENT)
            return err_sys(err, "cannot move %s/%s to %s", store->files, name, to);
    }
    log_error("proposal %llu was set aside in %s/" STORE_DAMAGED_DIR, (unsigned long long)number,
              store->folder);
    return 0;
}
