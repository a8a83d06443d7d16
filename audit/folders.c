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

enum suffix { SUFFIX_NONE, SUFFIX_NUMBER /* or none */, SUFFIX_UNSAID };

static bool is_number(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.s[n] >= '0' && s.s[n] <= '9')
        n++;
    return n > 0 && n == s.n;
}

static bool is_suffix(struct str rest, enum suffix which)
{
    if (which == SUFFIX_UNSAID)
        return str_eq(rest, STR(".unsaid"));
    return rest.n == 0 ||
           (which == SUFFIX_NUMBER && rest.s[0] == '.' && is_number(str_from(rest, 1)));
}

/* The next name that is an id with such a suffix, without it; empty: there is none, or errno says
 * why. */
static struct str next_id(DIR *dir, enum suffix which)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return STR_EMPTY;
        struct str name = str_of(entry->d_name);
        struct str id = str_sub(name, 0, SPOOL_ID_LEN);
        if (spool_id_valid(id) && is_suffix(str_from(name, SPOOL_ID_LEN), which))
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
    enum suffix suffix = which == AUDIT_IN_CORRUPT ? SUFFIX_NUMBER : SUFFIX_NONE;
    while (result == 0 && (id = next_id(dir, suffix)).n)
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
    const int both = 1 << AUDIT_IN_QUEUE | 1 << AUDIT_IN_QUARANTINE;
    if ((where & both) == both && (where = look_at_both(folders, name, where)) < 0)
        return -1;
    /* nobody takes away what lies there, and its name may be longer */
    if (is_listed(&folders->list[AUDIT_IN_CORRUPT], name))
        where |= 1 << AUDIT_IN_CORRUPT;
    return where;
}

int audit_each_stale(const struct audit_folders *folders, int64_t before_s, audit_each *each,
                     void *data, struct err *err)
{
    const struct audit_names *names = &folders->list[AUDIT_IN_INCOMING];
    DIR *dir = names->fd < 0 ? NULL : open_again(names->fd, "incoming", err);
    struct str id;
    if (dir == NULL)
        return names->fd < 0 ? 0 : -1;
    while ((id = next_id(dir, SUFFIX_NONE)).n) {
        struct stat st;
        if (fstatat(names->fd, id.s, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtime < before_s)
            each(data, id, (int64_t)st.st_mtime);
    }
    int result = errno ? err_sys(err, "cannot read incoming/") : 0;
    closedir(dir);
    return result;
}

int audit_each_unsaid(const struct audit_folders *folders, audit_each *each, void *data,
                      struct err *err)
{
    const struct audit_names *names = &folders->list[AUDIT_IN_CORRUPT];
    DIR *dir = names->fd < 0 ? NULL : open_again(names->fd, "corrupt", err);
    struct str id;
    if (dir == NULL)
        return names->fd < 0 ? 0 : -1;
    while ((id = next_id(dir, SUFFIX_UNSAID)).n)
        each(data, id, 0);
    int result = errno ? err_sys(err, "cannot read corrupt/") : 0;
    closedir(dir);
    return result;
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
        if (is_number(time)) /* neither -wal nor -shm */
            each(data, name, strtoll(time.s, NULL, 10));
    }
    int result = errno ? err_sys(err, "cannot read %s", path) : 0;
    closedir(dir);
    return result;
}
