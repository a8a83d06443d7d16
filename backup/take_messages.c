/* The messages that are owed, held, or set aside: looked at before and after the journal. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "backup/take_work.h"
#include "base/fsio.h"
#include "spool/spool.h"

#define PATH_SIZE  64 /* of state/quarantine/ID */
#define ASIDE_MORE 8  /* bytes behind an id: .1, .unsaid */
#define LOOKS      2  /* for new ones: one may move to where the first look has been */

static bool is_message(const char *name)
{
    return spool_id_valid(str_of(name));
}

/* ID, ID.1 …, ID.unsaid (spool/store.c) */
static bool is_aside(const char *name)
{
    struct str x = str_of(name), more = str_from(x, SPOOL_ID_LEN);
    return spool_id_valid(str_sub(x, 0, SPOOL_ID_LEN)) && more.n <= ASIDE_MORE &&
           (more.n == 0 || more.s[0] == '.');
}

static const struct {
    const char *name;
    taking_wants *wants;
} folders[] = {{"queue", is_message}, {"quarantine", is_message}, {"corrupt", is_aside}};
#define N_FOLDERS (sizeof folders / sizeof folders[0])

/* A message that is taken. */
struct seen {
    struct str path;
    uint64_t size;
    size_t at; /* its first piece */
};

struct seen_list {
    struct seen *list;
    size_t n;
};

int take_messages(struct take *take, struct err *err)
{
    char folder[PATH_MAX], as[PATH_SIZE];
    for (size_t i = 0; i < N_FOLDERS; i++) {
        snprintf(as, sizeof as, "state/%s", folders[i].name);
        if (fsio_join(folder, sizeof folder, take->conf->state_dir, folders[i].name, err) < 0 ||
            taking_folder(&take->t, folder, str_of(as), folders[i].wants, 0, err) < 0)
            return -1;
    }
    return 0;
}

static struct str id_of(struct str path)
{
    size_t name = str_rchr(path, '/') + 1;
    return str_sub(path, name, name + SPOOL_ID_LEN);
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

/* Of an id the one that was taken last is the last. */
static int by_id(const void *a, const void *b)
{
    const struct seen *x = a, *y = b;
    int order = str_cmp(id_of(x->path), id_of(y->path));
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

static int list_seen(const struct manifest *m, int (*order)(const void *a, const void *b),
                     struct seen_list *seen, struct err *err)
{
    *seen = (struct seen_list){.list = calloc(m->n + 1, sizeof *seen->list)};
    if (seen->list == NULL)
        return err_set(err, "out of memory");
    for (size_t i = 0; i < m->n; i++) {
        const struct piece *piece = &m->pieces[i];
        enum backup_part part = backup_part_of(piece->path);
        struct seen *last = seen->n ? &seen->list[seen->n - 1] : NULL;
        if (piece->dropped || (part != PART_QUARANTINE && part != PART_QUEUE))
            continue;
        if (last && str_eq(last->path, piece->path))
            last->size += piece->size;
        else
            seen->list[seen->n++] = (struct seen){piece->path, piece->size, i};
    }
    qsort(seen->list, seen->n, sizeof *seen->list, order);
    return 0;
}

/* Where the path state/FOLDER/NAME lies, or did. */
static int place_of(const struct take *take, struct str path, char place[PATH_MAX], struct err *err)
{
    char name[PATH_SIZE];
    str_copy(str_from(path, strlen("state/")), name, sizeof name);
    return fsio_join(place, PATH_MAX, take->conf->state_dir, name, err);
}

/* 1: it lies there; 0: not any more. */
static int is_there(const struct take *take, struct str path, struct err *err)
{
    char place[PATH_MAX];
    struct stat st;
    if (place_of(take, path, place, err) < 0)
        return -1;
    if (lstat(place, &st) == 0)
        return 1;
    return errno == ENOENT ? 0 : err_sys(err, "cannot look at %s", place);
}

/* What is in another folder now is taken there. What the journal knows the end of goes; else it
 * ended after the journal was copied, and belongs to that state. */
static int look_at_gone(struct take *take, const struct seen *seen, struct err *err)
{
    struct str id = id_of(seen->path);
    char path[PATH_SIZE];
    int elsewhere = 0, open = 1;
    for (size_t i = 0; elsewhere == 0 && i < N_FOLDERS; i++) {
        snprintf(path, sizeof path, "state/%s/%.*s", folders[i].name, STR_ARG(id));
        elsewhere = is_there(take, str_of(path), err);
    }
    if (elsewhere == 0 && take->journal)
        open = journal_snapshot_open(take->journal, id, err);
    if (elsewhere < 0 || open < 0)
        return -1;
    if (elsewhere || !open)
        taking_drop(&take->t, seen->at);
    return 0;
}

/* A file is only appended to: one as long as it was is as it was. */
static int look_again(struct take *take, const struct seen *seen, struct err *err)
{
    char place[PATH_MAX];
    struct stat st;
    if (place_of(take, seen->path, place, err) < 0)
        return -1;
    if (lstat(place, &st) < 0)
        return errno == ENOENT ? look_at_gone(take, seen, err)
                               : err_sys(err, "cannot look at %s", place);
    if ((uint64_t)st.st_size == seen->size)
        return 0;
    taking_drop(&take->t, seen->at);
    int taken = taking_file(&take->t, AT_FDCWD, place, seen->path, false, err);
    return taken < 0 ? -1 : 0;
}

static int take_new_of(struct take *take, size_t f, const struct seen_list *seen, struct err *err)
{
    char folder[PATH_MAX], as[PATH_SIZE];
    const struct dirent *entry;
    int result = 0;
    if (fsio_join(folder, sizeof folder, take->conf->state_dir, folders[f].name, err) < 0)
        return -1;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", folder);
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (!folders[f].wants(entry->d_name))
            continue;
        snprintf(as, sizeof as, "state/%s/%.*s", folders[f].name, SPOOL_ID_LEN + ASIDE_MORE,
                 entry->d_name);
        const struct seen key = {.path = str_of(as)};
        if (bsearch(&key, seen->list, seen->n, sizeof key, by_path) == NULL &&
            taking_file(&take->t, dirfd(dir), entry->d_name, key.path, false, err) < 0)
            result = -1;
    }
    closedir(dir);
    return result;
}

static int take_new(struct take *take, struct err *err)
{
    struct seen_list seen;
    if (list_seen(take->t.made, by_path, &seen, err) < 0)
        return -1;
    int result = 0;
    for (size_t f = 0; result == 0 && f < N_FOLDERS; f++)
        result = take_new_of(take, f, &seen, err);
    free(seen.list);
    return result;
}

static int look_at_all(struct take *take, struct err *err)
{
    struct seen_list seen;
    if (list_seen(take->t.made, by_path, &seen, err) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < seen.n; i++)
        result = look_again(take, &seen.list[i], err);
    free(seen.list);
    return result;
}

/* What moved meanwhile was taken at both places: where it is not any more it goes; of two that
 * have gone, the one taken first. */
static int drop_moved(struct take *take, struct err *err)
{
    struct seen_list seen;
    if (list_seen(take->t.made, by_id, &seen, err) < 0)
        return -1;
    int there = 0;
    for (size_t i = 1; there >= 0 && i < seen.n; i++) {
        struct seen *before = &seen.list[i - 1], *last = &seen.list[i];
        if (!str_eq(id_of(before->path), id_of(last->path)))
            continue;
        there = is_there(take, before->path, err);
        if (there == 0)
            taking_drop(&take->t, before->at);
        if (there <= 0)
            continue;
        there = is_there(take, last->path, err);
        if (there == 0) {
            taking_drop(&take->t, last->at);
            *last = *before;
        }
    }
    free(seen.list);
    return there < 0 ? -1 : 0;
}

int take_messages_again(struct take *take, struct err *err)
{
    int result = look_at_all(take, err);
    for (unsigned i = 0; result == 0 && i < LOOKS; i++)
        result = take_new(take, err);
    return result < 0 ? -1 : drop_moved(take, err);
}
