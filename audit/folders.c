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
#include "journal/db.h"

static const char *const folder_names[AUDIT_FOLDERS] = {[AUDIT_IN_QUEUE] = "queue",
                                                        [AUDIT_IN_QUARANTINE] = "quarantine",
                                                        [AUDIT_IN_KEPT] = "kept",
                                                        [AUDIT_IN_CORRUPT] = "corrupt",
                                                        [AUDIT_IN_INCOMING] = "incoming"};

static int read_names(struct audit_names *list, enum audit_folder which, struct str from,
                      struct str before, struct err *err)
{
    enum spool_suffix suffix = which == AUDIT_IN_CORRUPT ? SPOOL_SUFFIX_NUMBER : SPOOL_SUFFIX_NONE;
    int got = spool_names_read(&list->names, list->fd, folder_names[which], suffix, from, before,
                               AUDIT_NAMES_MAX, err);
    return got > 0 ? err_set(err, "more than %d files in %s/", AUDIT_NAMES_MAX, folder_names[which])
                   : got;
}

static int open_folder(struct audit_names *list, const char *state_dir, const char *name,
                       struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, state_dir, name, err) < 0)
        return -1;
    list->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return list->fd >= 0 || errno == ENOENT ? 0 : err_sys(err, "cannot open %s", path);
}

int audit_folders_read(struct audit_folders *folders, const char *state_dir, struct str from,
                       struct str before, struct err *err)
{
    *folders = (struct audit_folders){0};
    for (size_t i = 0; i < AUDIT_FOLDERS; i++)
        folders->list[i].fd = -1;
    for (size_t i = 0; i < AUDIT_FOLDERS; i++) {
        struct audit_names *list = &folders->list[i];
        if (open_folder(list, state_dir, folder_names[i], err) < 0)
            return -1;
        if (list->fd >= 0 && i != AUDIT_IN_INCOMING &&
            read_names(list, (enum audit_folder)i, from, before, err) < 0)
            return -1;
    }
    return 0;
}

void audit_folders_free(struct audit_folders *folders)
{
    for (size_t i = 0; i < AUDIT_FOLDERS; i++) {
        fsio_close_quiet(&folders->list[i].fd);
        spool_names_free(&folders->list[i].names);
    }
}

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, SPOOL_ID_LEN);
}

static bool is_listed(const struct spool_names *names, const char *id)
{
    return names->n && bsearch(id, names->ids, names->n, sizeof(spool_name), by_name);
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

/* In both lists of bits: it moved between the looks, or there are two. Not both are taken away. */
static int look_at_both(const struct audit_folders *folders, const char *id, int where)
{
    static const enum audit_folder order[] = {AUDIT_IN_QUARANTINE, AUDIT_IN_QUEUE};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        int got = is_in(&folders->list[order[i]], id);
        if (got <= 0)
            return got < 0 ? -1 : where & ~(1 << order[i]);
    }
    return where;
}

int audit_look(const struct audit_folders *folders, struct str id)
{
    static const enum audit_folder order[] = {AUDIT_IN_QUEUE, AUDIT_IN_QUARANTINE, AUDIT_IN_QUEUE,
                                              AUDIT_IN_KEPT, AUDIT_IN_CORRUPT};
    spool_name name;
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
    const int both = 1 << AUDIT_IN_QUEUE | 1 << AUDIT_IN_QUARANTINE;
    if ((where & both) == both && (where = look_at_both(folders, name, where)) < 0)
        return -1;
    /* nobody takes away what lies there, and its name may be longer */
    if (is_listed(&folders->list[AUDIT_IN_CORRUPT].names, name))
        where |= 1 << AUDIT_IN_CORRUPT;
    return where;
}

struct each {
    int fd;
    int64_t before_s;
    audit_each *each;
    void *data;
};

static int each_stale(void *data, struct str id)
{
    const struct each *e = data;
    struct stat st;
    spool_name name;
    str_copy(id, name, sizeof name);
    if (fstatat(e->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < e->before_s)
        e->each(e->data, id, (int64_t)st.st_mtime);
    return 0;
}

static int each_unsaid(void *data, struct str id)
{
    const struct each *e = data;
    e->each(e->data, id, 0);
    return 0;
}

int audit_each_stale(const struct audit_folders *folders, int64_t before_s, audit_each *each,
                     void *data, struct err *err)
{
    struct each e = {folders->list[AUDIT_IN_INCOMING].fd, before_s, each, data};
    return e.fd < 0 ? 0
                    : spool_names_each(e.fd, "incoming", SPOOL_SUFFIX_NONE, each_stale, &e, err);
}

int audit_each_unsaid(const struct audit_folders *folders, audit_each *each, void *data,
                      struct err *err)
{
    struct each e = {folders->list[AUDIT_IN_CORRUPT].fd, 0, each, data};
    return e.fd < 0 ? 0
                    : spool_names_each(e.fd, "corrupt", SPOOL_SUFFIX_UNSAID, each_unsaid, &e, err);
}

int audit_each_journal(const char *state_dir, audit_each *each, void *data, struct err *err)
{
    const struct str damaged = STR(JOURNAL_FILE ".damaged-");
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, state_dir, "journal", err) < 0)
        return -1;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return err_sys(err, "cannot read %s", path);
    const struct dirent *entry;
    for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0) {
        struct str name = str_of(entry->d_name);
        struct str time = str_starts(name, damaged) ? str_from(name, damaged.n) : STR_EMPTY;
        uint64_t time_s;
        if (str_to_u64(time, INT64_MAX, &time_s)) /* neither -wal nor -shm */
            each(data, name, (int64_t)time_s);
    }
    int result = errno ? err_sys(err, "cannot read %s", path) : 0;
    closedir(dir);
    return result;
}
