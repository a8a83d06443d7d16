#include "backup/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

#define FOLDER_MODE 0755 /* where the manifest says nothing; what is in it has its own mode */
#define STATE_MODE  02770
#define BESIDE      ".restoring"

/* The state's folders that come back whole; the rest of it are files. */
static const struct {
    const char *name;
    enum backup_part part;
} folders[] = {{"bayes", PART_LEDGER},          {"journal", PART_JOURNAL},
               {"quarantine", PART_QUARANTINE}, {"corrupt", PART_QUARANTINE},
               {"queue", PART_QUEUE},           {"reports", PART_REPORTS},
               {"gate/frozen", PART_GATE}};
#define N_FOLDERS (sizeof folders / sizeof folders[0])

int restore_begin(struct restore *r, struct err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    strftime(r->stamp, sizeof r->stamp, ".before-%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
    r->piece = malloc(PIECE_SIZE);
    return r->piece ? 0 : err_set(err, "out of memory");
}

void restore_end(struct restore *r)
{
    free(r->piece);
    r->piece = NULL;
}

/* --- where things go --- */

static int join(char out[PATH_MAX], struct err *err, const char *a, const char *b, struct str c)
{
    int n = snprintf(out, PATH_MAX, "%s%s%.*s", a, b, STR_ARG(c));
    return n > 0 && n < PATH_MAX ? 0 : err_set(err, "%s%s%.*s: path too long", a, b, STR_ARG(c));
}

static bool is_below(struct str path, struct str folder)
{
    return path.n > folder.n && str_starts(path, folder) && path.s[folder.n] == '/';
}

static struct str parent_of(struct str path)
{
    size_t slash = str_rchr(path, '/');
    return str_sub(path, 0, slash == STR_NONE ? 0 : slash);
}

/* A folder that others have their files in is not the settings', and what is there is elsewhere. */
static bool is_of_all(struct str folder)
{
    return folder.n == 0 || str_eq(folder, STR("/etc"));
}

/* Of a path that is no folder's: 1 its target; 0 it is elsewhere, and that was not asked for. */
static int target_of(const struct restore *r, struct str path, char out[PATH_MAX], struct err *err)
{
    struct str was = str_from(path, strlen("settings")), folder = parent_of(r->m->config);
    if (str_starts(path, STR("state/")))
        return join(out, err, r->root, r->state_dir, str_from(path, strlen("state"))) < 0 ? -1 : 1;
    if (str_eq(was, r->m->config))
        return join(out, err, r->root, r->config, STR_EMPTY) < 0 ? -1 : 1;
    if (!is_of_all(folder) && is_below(was, folder)) {
        char new_folder[PATH_MAX];
        struct str new_parent = parent_of(str_of(r->config));
        if (join(new_folder, err, r->root, "", new_parent) < 0)
            return -1;
        return join(out, err, new_folder, "", str_from(was, folder.n)) < 0 ? -1 : 1;
    }
    if (!r->elsewhere)
        return 0;
    return join(out, err, r->root, "", was) < 0 ? -1 : 1;
}

/* The folder of the state that a path belongs to; N_FOLDERS: it is a file of its own. */
static size_t folder_of(struct str path)
{
    for (size_t i = 0; i < N_FOLDERS; i++) {
        struct str inside = str_from(path, strlen("state/"));
        if (str_starts(path, STR("state/")) && is_below(inside, str_of(folders[i].name)))
            return i;
    }
    return N_FOLDERS;
}

static bool is_chosen(const struct restore *r, const struct piece *piece)
{
    return r->parts & PART_BIT(backup_part_of(piece->path));
}

static int folder_path(const struct restore *r, size_t folder, const char *behind,
                       char out[PATH_MAX], struct err *err)
{
    char state[PATH_MAX], name[64];
    snprintf(name, sizeof name, "/%s%s", folders[folder].name, behind);
    return join(state, err, r->root, r->state_dir, STR_EMPTY) < 0
               ? -1
               : join(out, err, state, name, STR_EMPTY);
}

/* --- making folders --- */

/* With all above it; those that are made are for `mode`. */
static int make_folders(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(part, mode) < 0 ? errno != EEXIST : fsio_sync_parent(part, err) < 0)
            return err_sys(err, "cannot make %s", part);
        if (slash == NULL)
            return 0;
        *slash = '/';
    }
}

/* --- whose --- */

struct owner {
    uid_t uid;
    gid_t gid;
};

static unsigned number_of(struct str text)
{
    uint64_t number;
    return str_to_u64(text, UINT32_MAX - 1, &number) ? (unsigned)number : 0;
}

/* By name, or number; who is not known here: root. */
static struct owner owner_named(struct str text)
{
    struct owner owner = {0, 0};
    struct str user;
    char name[64];
    if (!str_next(&text, ':', &user))
        return owner;
    const struct passwd *pw = str_copy(user, name, sizeof name) ? getpwnam(name) : NULL;
    owner.uid = pw ? pw->pw_uid : number_of(user);
    const struct group *gr = str_copy(text, name, sizeof name) ? getgrnam(name) : NULL;
    owner.gid = gr ? gr->gr_gid : number_of(text);
    return owner;
}

/* The folder PATH, as the manifest says that `was` was; closed until it is its owner's. */
static int make_as_it_was(const struct restore *r, const char *path, struct str was,
                          struct err *err)
{
    const struct manifest_folder *noted = manifest_folder(r->m, was);
    struct owner owner = noted ? owner_named(noted->owner) : (struct owner){0, 0};
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : err_sys(err, "cannot make %s", path);
    if (geteuid() == 0 && chown(path, owner.uid, owner.gid) < 0)
        return err_sys(err, "cannot give %s to its user", path);
    if (chmod(path, noted ? noted->mode : FOLDER_MODE) < 0)
        return err_sys(err, "cannot set the mode of %s", path);
    return fsio_sync_parent(path, err);
}

static struct str above(struct str path, size_t levels)
{
    while (levels-- > 0)
        path = parent_of(path);
    return path;
}

/* All folders above the file PATH that are missing; `was` is what the manifest calls the file. */
static int make_parent(const struct restore *r, const char *path, struct str was, struct err *err)
{
    char folder[PATH_MAX];
    size_t levels = 0;
    snprintf(folder, sizeof folder, "%s", path);
    for (const char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/'))
        levels++;
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (make_as_it_was(r, folder, above(was, levels--), err) < 0)
            return -1;
        *slash = '/';
    }
    return 0;
}

/* --- files --- */

/* All pieces from *at on that are of one file; *at is behind them then. */
static int write_pieces(struct restore *r, size_t *at, int fd, const char *path, struct err *err)
{
    struct str of = r->m->pieces[*at].path;
    for (; *at < r->m->n && str_eq(r->m->pieces[*at].path, of); ++*at) {
        const struct piece *piece = &r->m->pieces[*at];
        if (backup_piece_read(r->fd, piece, r->piece, err) < 0 ||
            fsio_write(fd, str_n(r->piece, piece->size), path, err) < 0)
            return -1;
        r->bytes += piece->size;
        if (r->step)
            r->step(r->data, piece->size);
    }
    r->files++;
    return 0;
}

/* `owner` NULL: as the manifest says. */
static int write_file(struct restore *r, size_t *at, const char *path, const struct owner *owner,
                      struct err *err)
{
    const struct piece *first = &r->m->pieces[*at];
    struct owner named = owner ? *owner : owner_named(first->owner);
    if (unlink(path) < 0 && errno != ENOENT)
        return err_sys(err, "cannot write %s", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, "cannot write %s", path);
    int result = write_pieces(r, at, fd, path, err);
    if (result == 0 && geteuid() == 0 && fchown(fd, named.uid, named.gid) < 0)
        result = err_sys(err, "cannot give %s to its user", path);
    if (result == 0 && fchmod(fd, first->mode & 0777) < 0)
        result = err_sys(err, "cannot set the mode of %s", path);
    if (result == 0 && fsync(fd) < 0)
        result = err_sys(err, "cannot write %s to disk", path);
    if (fsio_close(&fd, path, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

static int move_aside(const struct restore *r, const char *path, struct err *err)
{
    char aside[PATH_MAX];
    if (join(aside, err, path, r->stamp, STR_EMPTY) < 0)
        return -1;
    if (access(aside, F_OK) == 0)
        return err_set(err, "%s is there already: try again in a second", aside);
    return fsio_rename_durable(path, aside, err);
}

/* 1: what is there has the same bytes; 0: it has others; -1: nothing is there. */
static int is_same(struct restore *r, size_t at, const char *path)
{
    struct str of = r->m->pieces[at].path;
    struct stat st;
    uint64_t size = 0;
    if (lstat(path, &st) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool same = fd >= 0 && S_ISREG(st.st_mode);
    for (; same && at < r->m->n && str_eq(r->m->pieces[at].path, of); at++) {
        const struct piece *piece = &r->m->pieces[at];
        struct buf there = BUF_INIT(PIECE_SIZE);
        same = backup_piece_read(r->fd, piece, r->piece, NULL) == 0 &&
               fsio_pread(fd, &there, piece->size, (off_t)size, path, NULL) == 0 &&
               str_eq(buf_str(&there), str_n(r->piece, piece->size));
        size += piece->size;
        buf_release(&there);
    }
    fsio_close_quiet(&fd);
    return same && (uint64_t)st.st_size == size;
}

static void skip(const struct restore *r, size_t *at)
{
    struct str of = r->m->pieces[*at].path;
    while (*at < r->m->n && str_eq(r->m->pieces[*at].path, of))
        ++*at;
}

/* A file of its own. */
static int put_file(struct restore *r, size_t *at, struct err *err)
{
    char path[PATH_MAX], beside[PATH_MAX];
    struct str was = r->m->pieces[*at].path;
    int where = target_of(r, was, path, err);
    int same = where > 0 ? is_same(r, *at, path) : 1;
    if (where < 0)
        return -1;
    if (where == 0 || same == 1) {
        r->left_out += where == 0;
        r->files += where > 0;
        skip(r, at);
        return 0;
    }
    if (make_parent(r, path, was, err) < 0 || join(beside, err, path, BESIDE, STR_EMPTY) < 0 ||
        write_file(r, at, beside, NULL, err) < 0)
        return -1;
    if (same == 0 && move_aside(r, path, err) < 0)
        return -1;
    return fsio_rename_durable(beside, path, err);
}

int restore_files(struct restore *r, struct err *err)
{
    for (size_t at = 0; at < r->m->n;) {
        if (!is_chosen(r, &r->m->pieces[at]) || folder_of(r->m->pieces[at].path) < N_FOLDERS)
            skip(r, &at);
        else if (put_file(r, &at, err) < 0)
            return -1;
    }
    return 0;
}

/* --- folders --- */

/* Is there anything in it but the lock of who used it? */
static bool has_files(const char *path)
{
    const struct dirent *entry;
    bool found = false;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return errno != ENOENT;
    while (!found && (entry = readdir(dir)) != NULL)
        found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
                strcmp(entry->d_name, "lock") != 0;
    closedir(dir);
    return found;
}

static int write_entry(struct restore *r, size_t *at, size_t folder, const char *beside,
                       const struct owner *owner, mode_t mode, struct err *err)
{
    char path[PATH_MAX], parent[PATH_MAX];
    size_t before = strlen("state/") + strlen(folders[folder].name);
    if (join(path, err, beside, "", str_from(r->m->pieces[*at].path, before)) < 0)
        return -1;
    snprintf(parent, sizeof parent, "%s", path);
    *strrchr(parent, '/') = '\0';
    for (size_t n = strlen(beside) + 1; n <= strlen(parent); n++) {
        if (parent[n] != '/' && parent[n] != '\0')
            continue;
        char part[PATH_MAX];
        str_copy(str_n(parent, n), part, sizeof part);
        if (mkdir(part, mode) < 0) {
            if (errno != EEXIST)
                return err_sys(err, "cannot make %s", part);
        } else if ((geteuid() == 0 && chown(part, owner->uid, owner->gid) < 0) ||
                   chmod(part, mode) < 0) {
            return err_sys(err, "cannot give %s to its user", part);
        }
    }
    return write_file(r, at, path, owner, err);
}

/* The link that says which model serves. */
static int put_model(const struct restore *r, const char *beside, struct err *err)
{
    struct str model = r->m->model;
    char link[PATH_MAX], name[64];
    uint64_t number;
    if (model.n == 0)
        return 0;
    if (!str_starts(model, STR("model-")) ||
        !str_to_u64(str_from(model, strlen("model-")), UINT64_MAX, &number) ||
        !str_copy(model, name, sizeof name))
        return err_set(err, "the manifest names a model that can't be one: %.*s", STR_ARG(model));
    if (join(link, err, beside, "/current", STR_EMPTY) < 0)
        return -1;
    return symlink(name, link) < 0 ? err_sys(err, "cannot make %s", link) : 0;
}

static int fill_folder(struct restore *r, size_t folder, const char *beside,
                       const struct stat *like, struct err *err)
{
    const struct owner owner = {like->st_uid, like->st_gid};
    mode_t mode = like->st_mode & 07777;
    for (size_t at = 0; at < r->m->n;) {
        if (folder_of(r->m->pieces[at].path) != folder)
            skip(r, &at);
        else if (write_entry(r, &at, folder, beside, &owner, mode, err) < 0)
            return -1;
    }
    if (strcmp(folders[folder].name, "bayes") == 0 && put_model(r, beside, err) < 0)
        return -1;
    return fsio_sync_file_system(beside, err); /* the folders in it, too */
}

static int swap(const struct restore *r, const char *beside, const char *path, struct err *err)
{
    if (has_files(path)) {
        if (move_aside(r, path, err) < 0)
            return -1;
    } else if (fsio_empty_dir(path, err) < 0 || rmdir(path) < 0) {
        return err_sys(err, "cannot take the place of %s", path);
    }
    return fsio_rename_durable(beside, path, err);
}

static int put_folder(struct restore *r, size_t folder, struct err *err)
{
    char path[PATH_MAX], beside[PATH_MAX];
    struct stat st;
    if (folder_path(r, folder, "", path, err) < 0 ||
        folder_path(r, folder, BESIDE, beside, err) < 0 || make_folders(path, STATE_MODE, err) < 0)
        return -1;
    if (stat(path, &st) < 0)
        return err_sys(err, "cannot look at %s", path);
    if (access(beside, F_OK) == 0 && (fsio_empty_dir(beside, err) < 0 || rmdir(beside) < 0))
        return err_sys(err, "cannot remove %s, which is left of another restore", beside);
    if (mkdir(beside, 0700) < 0)
        return err_sys(err, "cannot make %s", beside);
    if (geteuid() == 0 && chown(beside, st.st_uid, st.st_gid) < 0)
        return err_sys(err, "cannot give %s to its user", beside);
    if (chmod(beside, st.st_mode & 07777) < 0)
        return err_sys(err, "cannot set the mode of %s", beside);
    return fill_folder(r, folder, beside, &st, err) < 0 ? -1 : swap(r, beside, path, err);
}

static bool has_part_of(const struct restore *r, size_t folder)
{
    if (!(r->parts & PART_BIT(folders[folder].part)))
        return false;
    for (size_t i = 0; i < r->m->n; i++)
        if (folder_of(r->m->pieces[i].path) == folder)
            return true;
    return false;
}

int restore_state(struct restore *r, struct err *err)
{
    for (size_t i = 0; i < N_FOLDERS; i++)
        if (has_part_of(r, i) && put_folder(r, i, err) < 0)
            return -1;
    return 0;
}

/* --- what is in the way --- */

static void tell(struct restore *r, const char *path)
{
    r->ways_blocked++;
    if (r->in_the_way)
        r->in_the_way(r->data, path);
}

int restore_look(struct restore *r, struct err *err)
{
    char path[PATH_MAX];
    r->ways_blocked = 0;
    for (size_t at = 0; at < r->m->n; skip(r, &at)) {
        if (!is_chosen(r, &r->m->pieces[at]) || folder_of(r->m->pieces[at].path) < N_FOLDERS)
            continue;
        int where = target_of(r, r->m->pieces[at].path, path, err);
        if (where < 0)
            return -1;
        if (where > 0 && is_same(r, at, path) == 0)
            tell(r, path);
    }
    for (size_t i = 0; i < N_FOLDERS; i++) {
        if (folder_path(r, i, "", path, err) < 0)
            return -1;
        if (has_part_of(r, i) && has_files(path))
            tell(r, path);
    }
    return 0;
}
