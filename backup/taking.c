#include "backup/taking.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"

#define FILE_MODE   0600
#define FOLDER_MODE 0700
#define STORED_MAX  (MANIFEST_PATH_MAX + 32)

int taking_begin(struct taking *t, struct err *err)
{
    t->piece = malloc(PIECE_SIZE);
    t->again = malloc(PIECE_SIZE);
    t->uid = (uid_t)-1;
    if (t->piece && t->again)
        return 0;
    taking_end(t);
    return err_set(err, "out of memory");
}

void taking_end(struct taking *t)
{
    free(t->piece);
    free(t->again);
    t->piece = t->again = NULL;
}

/* --- a piece --- */

/* All folders above the file. */
static int make_folders(const struct taking *t, const char *stored, struct err *err)
{
    char path[STORED_MAX + 1];
    snprintf(path, sizeof path, "%s", stored);
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdirat(t->fd, path, FOLDER_MODE) < 0 && errno != EEXIST)
            return err_sys(err, "cannot make a folder in %s", t->folder);
        *slash = '/';
    }
    return 0;
}

int taking_room(const struct taking *t, uint64_t bytes, struct err *err)
{
    struct statvfs vfs;
    if (fstatvfs(t->fd, &vfs) < 0)
        return err_sys(err, "cannot see how full the disk of %s is", t->folder);
    /* some file systems make names as they are needed, and count none */
    bool names = vfs.f_files == 0 || vfs.f_favail >= TAKING_RESERVES * t->free_files_min;
    if (names &&
        (uint64_t)vfs.f_bavail * vfs.f_frsize >= TAKING_RESERVES * t->free_min + PIECE_SIZE + bytes)
        return 0;
    return err_set(err,
                   "the disk of %s is full but for %d times what queue.free_space_min and "
                   "queue.free_files_min keep free: the generations before stay; set "
                   "backup.folder to a larger disk, or backup.keep lower",
                   t->folder, TAKING_RESERVES);
}

static int write_piece(const struct taking *t, const char *stored, struct str bytes,
                       struct err *err)
{
    if (taking_room(t, 0, err) < 0 || make_folders(t, stored, err) < 0)
        return -1;
    /* what is there was taken of the same file before; it may have a second name */
    if (unlinkat(t->fd, stored, 0) < 0 && errno != ENOENT)
        return err_sys(err, "cannot replace %s in %s", stored, t->folder);
    int fd = openat(t->fd, stored, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot write %s in %s", stored, t->folder);
    int result = fsio_write(fd, bytes, t->folder, err);
    if (fsio_close(&fd, t->folder, result < 0 ? NULL : err) < 0)
        result = -1;
    return result;
}

/* The old generation has it, and what it has is not damaged. */
static bool is_whole(const struct taking *t, const struct piece *piece, const char *stored)
{
    unsigned char sum[SHA256_SIZE];
    struct stat st;
    int fd = openat(t->old_fd, stored, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool whole = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                 (uint64_t)st.st_size == piece->size;
    if (whole) {
        ssize_t got = fsio_pread_some(fd, t->again, piece->size, 0);
        whole = got == (ssize_t)piece->size &&
                sha256_of(str_n(t->again, (size_t)got), sum, NULL) == 0 &&
                memcmp(sum, piece->sum, SHA256_SIZE) == 0;
    }
    fsio_close_quiet(&fd);
    if (!whole)
        log_warning("%s of the last backup is damaged; it is kept anew", stored);
    return whole;
}

/* 1: it is a second name of what was there. */
static int link_piece(const struct taking *t, const struct piece *piece, const char *stored,
                      struct err *err)
{
    const struct piece *old = t->old ? manifest_find(t->old, piece->path, piece->number) : NULL;
    if (old == NULL || old->size != piece->size || memcmp(old->sum, piece->sum, SHA256_SIZE) != 0 ||
        !is_whole(t, piece, stored))
        return 0;
    if (make_folders(t, stored, err) < 0)
        return -1;
    if (unlinkat(t->fd, stored, 0) < 0 && errno != ENOENT)
        return err_sys(err, "cannot replace %s in %s", stored, t->folder);
    /* some file systems have no second names, all have a limit of them */
    return linkat(t->old_fd, stored, t->fd, stored, 0) == 0;
}

static int keep_piece(struct taking *t, struct piece *piece, struct str bytes, struct err *err)
{
    char stored[STORED_MAX];
    piece->size = bytes.n;
    if (!manifest_stored(piece, stored, sizeof stored))
        return err_set(err, "%.*s: path too long", STR_ARG(piece->path));
    if (sha256_of(bytes, piece->sum, err) < 0)
        return -1;
    int linked = link_piece(t, piece, stored, err);
    if (linked < 0 || (linked == 0 && write_piece(t, stored, bytes, err) < 0) ||
        manifest_add(t->made, piece, err) < 0)
        return -1;
    t->bytes += bytes.n;
    t->written += linked ? 0 : bytes.n;
    return t->step ? t->step(t->data, bytes.n, err) : 0;
}

/* --- a file --- */

static struct str owner_of(struct taking *t, const struct stat *st)
{
    if (t->uid == st->st_uid && t->gid == st->st_gid)
        return str_of(t->owner);
    const struct passwd *user = getpwuid(st->st_uid);
    char name[48];
    if (user)
        snprintf(name, sizeof name, "%s", user->pw_name);
    else
        snprintf(name, sizeof name, "%u", (unsigned)st->st_uid);
    const struct group *group = getgrgid(st->st_gid);
    if (group)
        snprintf(t->owner, sizeof t->owner, "%s:%s", name, group->gr_name);
    else
        snprintf(t->owner, sizeof t->owner, "%s:%u", name, (unsigned)st->st_gid);
    t->uid = st->st_uid;
    t->gid = st->st_gid;
    return str_of(t->owner);
}

static int keep_pieces(struct taking *t, int fd, const struct stat *st, struct str path,
                       struct err *err)
{
    bool whole = (uint64_t)st->st_size <= PIECE_SIZE;
    struct piece piece = {.path = path,
                          .number = whole ? PIECE_WHOLE : 0,
                          .mode = st->st_mode & 07777,
                          .owner = owner_of(t, st)};
    off_t at = 0;
    do {
        size_t wanted = (size_t)(st->st_size - at);
        ssize_t got = fsio_pread_some(fd, t->piece, wanted < PIECE_SIZE ? wanted : PIECE_SIZE, at);
        if (got < 0)
            return err_sys(err, "cannot read %.*s", STR_ARG(path));
        if (keep_piece(t, &piece, str_n(t->piece, (size_t)got), err) < 0)
            return -1;
        at += got;
        piece.number += !whole;
        if ((size_t)got < PIECE_SIZE) /* its end, or it was cut meanwhile */
            break;
    } while (at < st->st_size);
    t->files++;
    return 0;
}

static bool is_there(const struct taking *t, struct str path)
{
    for (size_t i = t->made->n; i-- > 0;)
        if (str_eq(t->made->pieces[i].path, path))
            return true;
    return false;
}

int taking_file(struct taking *t, int dir_fd, const char *name, struct str path, bool follow,
                struct err *err)
{
    struct stat st;
    if (!manifest_path_ok(path))
        return err_set(err, "%.*s: path too long or deep, or of a name that can't be kept",
                       STR_ARG(path));
    if (t->once && is_there(t, path))
        return 1;
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    int fd = openat(dir_fd, name, flags);
    if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
        return 0;
    if (fd < 0)
        return err_sys(err, "cannot read %.*s", STR_ARG(path));
    int result = fstat(fd, &st) < 0 ? err_sys(err, "cannot read %.*s", STR_ARG(path)) : 1;
    if (result == 1 && !S_ISREG(st.st_mode))
        result = 0;
    if (result == 1 && keep_pieces(t, fd, &st, path, err) < 0)
        result = -1;
    close(fd);
    return result;
}

void taking_drop(struct taking *t, size_t at)
{
    char stored[STORED_MAX];
    struct str path = t->made->pieces[at].path;
    for (; at < t->made->n && str_eq(t->made->pieces[at].path, path); at++) {
        struct piece *piece = &t->made->pieces[at];
        if (!piece->dropped && manifest_stored(piece, stored, sizeof stored))
            unlinkat(t->fd, stored, 0);
        piece->dropped = true;
    }
}

/* --- a folder --- */

int taking_note_folder(struct taking *t, const char *folder, struct str path, struct err *err)
{
    struct stat st;
    if (manifest_folder(t->made, path))
        return 0;
    if (stat(folder, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, "cannot look at %s", folder);
    const struct manifest_folder noted = {.path = path,
                                          .mode = st.st_mode & 07777,
                                          .owner = owner_of(t, &st)};
    return manifest_add_folder(t->made, &noted, err);
}

static int leave_out(struct taking *t, const char *folder, const char *name, const char *why)
{
    log_warning("%s/%s %s: it is not in the backup", folder, name, why);
    t->left_out++;
    return 0;
}

/* Is FOLDER, or one that it is in, what the path PATH leads to? */
static bool leads_up(const char *path, const char *folder)
{
    char to[PATH_MAX], from[PATH_MAX];
    if (realpath(path, to) == NULL || realpath(folder, from) == NULL)
        return false;
    size_t n = strlen(to);
    return strcmp(to, "/") == 0 ||
           (strncmp(from, to, n) == 0 && (from[n] == '/' || from[n] == '\0'));
}

/* A folder in FOLDER, or a link to one. */
/* NOLINTNEXTLINE(misc-no-recursion): `depth` deep at most */
static int take_inside(struct taking *t, const char *folder, const char *name, struct str path,
                       taking_wants *wants, unsigned depth, struct err *err)
{
    char inside[PATH_MAX];
    if (depth == 0)
        return t->follow ? leave_out(t, folder, name, "lies too deep") : 0;
    if (fsio_join(inside, sizeof inside, folder, name, err) < 0)
        return -1;
    if (t->follow && leads_up(inside, folder))
        return leave_out(t, folder, name, "leads to a folder that it is in");
    return taking_folder(t, inside, path, wants, depth - 1, err);
}

/* One entry; path is that of the folder. */
/* NOLINTNEXTLINE(misc-no-recursion): `depth` deep at most */
static int take_entry(struct taking *t, int dir_fd, const char *folder, const char *name,
                      struct str path, taking_wants *wants, unsigned depth, struct err *err)
{
    char as[MANIFEST_PATH_MAX + 1];
    struct stat st;
    int n = snprintf(as, sizeof as, "%.*s/%s", STR_ARG(path), name);
    if (n < 0 || (size_t)n >= sizeof as)
        return err_set(err, "%.*s/%s: path too long", STR_ARG(path), name);
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot look at %s/%s", folder, name);
    if (t->follow && S_ISLNK(st.st_mode) && fstatat(dir_fd, name, &st, 0) < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? leave_out(t, folder, name, "leads nowhere")
                   : err_sys(err, "cannot look at %s/%s", folder, name);
    if (S_ISDIR(st.st_mode))
        return take_inside(t, folder, name, str_of(as), wants, depth, err);
    return taking_file(t, dir_fd, name, str_of(as), t->follow, err) < 0 ? -1 : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): `depth` deep at most */
int taking_folder(struct taking *t, const char *folder, struct str path, taking_wants *wants,
                  unsigned depth, struct err *err)
{
    const struct dirent *entry;
    int result = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", folder);
    for (size_t n = 0; result == 0 && (entry = readdir(dir)) != NULL; n++) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            (wants && !wants(entry->d_name)))
            continue;
        if (n >= TAKING_FILES_MAX)
            result = err_set(err, "%s: more than %d files", folder, TAKING_FILES_MAX);
        else
            result = take_entry(t, dirfd(dir), folder, entry->d_name, path, wants, depth, err);
    }
    closedir(dir);
    return result;
}
