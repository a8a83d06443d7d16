#include "backup/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define FOLDER_MODE 0700
#define NEW         ".new-"
#define OLD         ".old-"
#define DAY_LEN     8 /* of a name */
#define ENTRY_MAX   64

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct shelf_name *)a)->text, ((const struct shelf_name *)b)->text);
}

/* --- the folder --- */

static bool is_left_over(const char *name)
{
    return str_starts(str_of(name), STR(NEW)) || str_starts(str_of(name), STR(OLD));
}

static int remove_folder(const struct shelf *shelf, const char *name, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, shelf->folder, name, err) < 0 || fsio_empty_dir(path, err) < 0)
        return -1;
    return rmdir(path) < 0 ? err_sys(err, "cannot remove %s", path) : 0;
}

/* What is left of one that was not finished is nobody's. */
static int clear(const struct shelf *shelf, struct err *err)
{
    const struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(shelf->folder);
    if (dir == NULL)
        return err_sys(err, "cannot read %s", shelf->folder);
    while (result == 0 && (entry = readdir(dir)) != NULL)
        if (is_left_over(entry->d_name))
            result = remove_folder(shelf, entry->d_name, err);
    closedir(dir);
    return result;
}

int shelf_open(const char *folder, struct shelf *shelf, struct err *err)
{
    *shelf = (struct shelf){.fd = -1, .lock_fd = -1};
    if (!str_copy(str_of(folder), shelf->folder, sizeof shelf->folder))
        return err_set(err, "%s: path too long", folder);
    shelf->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shelf->fd < 0 && errno == ENOENT)
        return err_set(err, "there is no backup in %s yet: `poterne backup` makes one", folder);
    return shelf->fd < 0 ? err_sys(err, "cannot open %s", folder) : 0;
}

int shelf_open_to_write(const char *folder, struct shelf *shelf, struct err *err)
{
    char lock[PATH_MAX];
    *shelf = (struct shelf){.fd = -1, .lock_fd = -1};
    if (fsio_mkdir(folder, FOLDER_MODE, err) < 0 || shelf_open(folder, shelf, err) < 0)
        return -1;
    if (fsio_join(lock, sizeof lock, folder, "lock", err) == 0)
        shelf->lock_fd = fsio_lock(lock, err);
    if (shelf->lock_fd < 0)
        err_prefix(err, "another backup is at work");
    else if (clear(shelf, err) == 0)
        return 0;
    shelf_close(shelf);
    return -1;
}

void shelf_close(struct shelf *shelf)
{
    fsio_close_quiet(&shelf->fd);
    fsio_close_quiet(&shelf->lock_fd);
}

int shelf_list(const struct shelf *shelf, struct shelf_name **names, size_t *n, struct err *err)
{
    const struct dirent *entry;
    DIR *dir = opendir(shelf->folder);
    *n = 0;
    *names = NULL;
    if (dir == NULL)
        return err_sys(err, "cannot read %s", shelf->folder);
    *names = calloc(SHELF_MAX, sizeof **names);
    if (*names == NULL) {
        closedir(dir);
        return err_set(err, "out of memory");
    }
    while (*n < SHELF_MAX && (entry = readdir(dir)) != NULL)
        if (shelf_name_ok(str_of(entry->d_name)))
            memcpy((*names)[(*n)++].text, entry->d_name, SHELF_NAME_LEN + 1);
    closedir(dir);
    qsort(*names, *n, sizeof **names, compare);
    return 0;
}

/* How many are not ahead of now, by a clock that was wrong; of those that are, when all are. */
static size_t of_now(const struct shelf_name *names, size_t n)
{
    time_t now = time(NULL);
    size_t kept = n;
    while (kept && shelf_time_ahead(shelf_name_time(str_of(names[kept - 1].text)), now))
        kept--;
    return kept ? kept : n;
}

int shelf_find(const struct shelf *shelf, const char *wanted, struct shelf_name *name,
               struct err *err)
{
    struct shelf_name *names;
    size_t n, found = 0;
    if (shelf_list(shelf, &names, &n, err) < 0)
        return -1;
    size_t among = wanted ? n : of_now(names, n);
    for (size_t i = 0; i < among; i++)
        if (wanted == NULL || str_starts(str_of(names[i].text), str_of(wanted))) {
            *name = names[i];
            found++;
        }
    free(names);
    if (found == 0 && wanted)
        return err_set(err, "there is no generation %s in %s; `poterne backup list` shows all",
                       wanted, shelf->folder);
    if (found == 0)
        return err_set(err, "there is no generation in %s yet", shelf->folder);
    if (wanted && found > 1)
        return err_set(err, "%zu generations begin with %s: name one", found, wanted);
    return 0;
}

/* --- one more --- */

static void entry_name(const char *prefix, const struct shelf_name *name, char out[ENTRY_MAX])
{
    snprintf(out, ENTRY_MAX, "%s%s", prefix, name->text);
}

int shelf_begin(const struct shelf *shelf, struct shelf_name *name, struct err *err)
{
    char entry[ENTRY_MAX];
    struct stat st;
    time_t now = time(NULL);
    struct tm tm;
    /* a second one within a second, or a clock that was put back, is no later day's affair */
    for (unsigned i = 0; i < 60; i++, now++) {
        strftime(name->text, sizeof name->text, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
        if (fstatat(shelf->fd, name->text, &st, AT_SYMLINK_NOFOLLOW) < 0)
            break;
    }
    entry_name(NEW, name, entry);
    if (mkdirat(shelf->fd, entry, FOLDER_MODE) < 0)
        return err_sys(err, "cannot make %s/%s", shelf->folder, entry);
    int fd = openat(shelf->fd, entry, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_sys(err, "cannot open %s/%s", shelf->folder, entry) : fd;
}

int shelf_commit(const struct shelf *shelf, const struct shelf_name *name, int fd, struct err *err)
{
    char entry[ENTRY_MAX];
    entry_name(NEW, name, entry);
    if (syncfs(fd) < 0)
        return err_sys(err, "cannot write %s to disk", shelf->folder);
    if (renameat(shelf->fd, entry, shelf->fd, name->text) < 0)
        return err_sys(err, "cannot name %s/%s", shelf->folder, name->text);
    return fsync(shelf->fd) < 0 ? err_sys(err, "cannot write %s to disk", shelf->folder) : 0;
}

void shelf_abort(const struct shelf *shelf, const struct shelf_name *name)
{
    char entry[ENTRY_MAX];
    entry_name(NEW, name, entry);
    remove_folder(shelf, entry, NULL);
}

/* --- fewer --- */

static bool same_day(const struct shelf_name *a, const struct shelf_name *b)
{
    return memcmp(a->text, b->text, DAY_LEN) == 0;
}

/* Its name goes first: what is half removed is no generation. */
static int remove_one(const struct shelf *shelf, const struct shelf_name *name, struct err *err)
{
    char entry[ENTRY_MAX];
    entry_name(OLD, name, entry);
    if (renameat(shelf->fd, name->text, shelf->fd, entry) < 0)
        return err_sys(err, "cannot remove %s/%s", shelf->folder, name->text);
    return remove_folder(shelf, entry, err);
}

int shelf_prune(const struct shelf *shelf, unsigned keep, size_t *gone, struct err *err)
{
    struct shelf_name *names;
    size_t n;
    unsigned days = 1;
    int result = 0;
    *gone = 0;
    if (shelf_list(shelf, &names, &n, err) < 0)
        return -1;
    n = of_now(names, n);
    for (size_t i = n; result == 0 && i-- > 1;) {
        const struct shelf_name *later = &names[i], *this = &names[i - 1];
        bool of_newest = same_day(this, &names[n - 1]);
        bool first_of_day = !same_day(this, later);
        days += first_of_day;
        if (of_newest || (first_of_day && days <= keep))
            continue;
        result = remove_one(shelf, this, err);
        *gone += result == 0;
    }
    free(names);
    return result;
}

/* --- looking into one --- */

int shelf_enter(const struct shelf *shelf, const struct shelf_name *name, struct err *err)
{
    int fd = openat(shelf->fd, name->text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_sys(err, "cannot open %s/%s", shelf->folder, name->text) : fd;
}

struct manifest *shelf_manifest(int generation_fd, const char *name, struct err *err)
{
    struct manifest *m = NULL;
    struct buf text = BUF_INIT(MANIFEST_MAX);
    int fd = openat(generation_fd, MANIFEST_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        err_sys(err, "%s: there is no manifest", name);
    else if (fsio_read_fd(fd, &text, MANIFEST_FILE, err) == 0)
        m = manifest_get(buf_str(&text), err);
    if (fd >= 0 && m == NULL)
        err_prefix(err, "the manifest of %s", name);
    fsio_close_quiet(&fd);
    buf_release(&text);
    return m;
}
