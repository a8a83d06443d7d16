#include "audit/folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

static const char *const folder_names[AUDIT_FOLDERS] = {[AUDIT_IN_QUEUE] = "queue",
                                                        [AUDIT_IN_QUARANTINE] = "quarantine",
                                                        [AUDIT_IN_KEPT] = "kept",
                                                        [AUDIT_IN_CORRUPT] = "corrupt",
                                                        [AUDIT_IN_INCOMING] = "incoming"};

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, SPOOL_ID_LEN);
}

static int add(struct audit_names *names, struct str id, const char *folder, struct err *err)
{
    if (names->n >= AUDIT_NAMES_MAX)
        return err_set(err, "more than %d files in %s/", AUDIT_NAMES_MAX, folder);
    if (names->n == names->cap) {
        size_t cap = names->cap ? 2 * names->cap : 1024;
        audit_id *ids = realloc(names->ids, cap * sizeof *ids);
        if (ids == NULL)
            return err_set(err, "out of memory for the names in %s/", folder);
        names->ids = ids;
        names->cap = cap;
    }
    str_copy(id, names->ids[names->n++], sizeof(audit_id));
    return 0;
}

static DIR *open_again(int folder, const char *name, struct err *err)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        err_sys(err, "cannot read %s/", name);
        fsio_close_quiet(&fd);
    }
    return dir;
}

/* The next name that begins with an id; empty: there is none, or errno says why. */
static struct str next_id(DIR *dir, bool suffixed)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return STR_EMPTY;
        struct str name = str_of(entry->d_name);
        bool longer = name.n > SPOOL_ID_LEN;
        if (longer && !(suffixed && name.s[SPOOL_ID_LEN] == '.'))
            continue;
        struct str id = str_sub(name, 0, SPOOL_ID_LEN);
        if (spool_id_valid(id))
            return id;
    }
}

static int read_names(struct audit_names *names, enum audit_folder which, struct str from,
                      struct str before, struct err *err)
{
    const char *name = folder_names[which];
    DIR *dir = open_again(names->fd, name, err);
    struct str id;
    int result = dir ? 0 : -1;
    while (result == 0 && (id = next_id(dir, which == AUDIT_IN_CORRUPT)).n)
        if (str_cmp(id, from) >= 0 && str_cmp(id, before) < 0)
            result = add(names, id, name, err);
    if (result == 0 && errno)
        result = err_sys(err, "cannot read %s/", name);
    if (dir)
        closedir(dir);
    if (names->n)
        qsort(names->ids, names->n, sizeof(audit_id), by_name);
    return result;
}

static int open_folder(struct audit_names *names, const char *state_dir, const char *name,
                       struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, state_dir, name, err) < 0)
        return -1;
    names->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return names->fd >= 0 || errno == ENOENT ? 0 : err_sys(err, "cannot open %s", path);
}

int audit_folders_read(struct audit_folders *folders, const char *state_dir, struct str from,
                       struct str before, struct err *err)
{
    *folders = (struct audit_folders){0};
    for (size_t i = 0; i < AUDIT_FOLDERS; i++)
        folders->list[i].fd = -1;
    for (size_t i = 0; i < AUDIT_FOLDERS; i++) {
        struct audit_names *names = &folders->list[i];
        if (open_folder(names, state_dir, folder_names[i], err) < 0)
            return -1;
        if (names->fd >= 0 && i != AUDIT_IN_INCOMING &&
            read_names(names, (enum audit_folder)i, from, before, err) < 0)
            return -1;
    }
    return 0;
}

void audit_folders_free(struct audit_folders *folders)
{
    for (size_t i = 0; i < AUDIT_FOLDERS; i++) {
        fsio_close_quiet(&folders->list[i].fd);
        free(folders->list[i].ids);
    }
}

static bool is_listed(const struct audit_names *names, const char *id)
{
    return names->n && bsearch(id, names->ids, names->n, sizeof(audit_id), by_name);
}

/* 1, 0, or -1 */
static int is_in(const struct audit_names *names, const char *id)
{
    struct stat st;
    if (names->fd < 0)
        return 0;
    if (fstatat(names->fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    return errno == ENOENT ? 0 : -1;
}

int audit_look(const struct audit_folders *folders, struct str id)
{
    static const enum audit_folder order[] = {AUDIT_IN_QUEUE, AUDIT_IN_QUARANTINE, AUDIT_IN_QUEUE,
                                              AUDIT_IN_KEPT, AUDIT_IN_CORRUPT};
    audit_id name;
    int where = 0;
    if (!spool_id_valid(id))
        return 0;
    str_copy(id, name, sizeof name);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        int got = is_in(&folders->list[order[i]], name);
        if (got < 0)
            return -1;
        where |= got << order[i];
    }
    /* nobody takes away what lies there, and its name may be longer */
    if (is_listed(&folders->list[AUDIT_IN_CORRUPT], name))
        where |= 1 << AUDIT_IN_CORRUPT;
    return where;
}

int audit_each_stale(const struct audit_folders *folders, int64_t before_s,
                     void (*each)(void *data, struct str name, int64_t time_s), void *data,
                     struct err *err)
{
    const struct audit_names *names = &folders->list[AUDIT_IN_INCOMING];
    DIR *dir = names->fd < 0 ? NULL : open_again(names->fd, "incoming", err);
    struct str id;
    if (dir == NULL)
        return names->fd < 0 ? 0 : -1;
    while ((id = next_id(dir, false)).n) {
        struct stat st;
        if (fstatat(names->fd, id.s, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < before_s)
            each(data, id, (int64_t)st.st_mtime);
    }
    int result = errno ? err_sys(err, "cannot read incoming/") : 0;
    closedir(dir);
    return result;
}
