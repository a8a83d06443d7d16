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

#define PATH_SIZE 64 /* of state/quarantine/ID */

static const char *const folders[] = {"queue", "quarantine", "corrupt"};
#define N_FOLDERS (sizeof folders / sizeof folders[0])

/* A message of the first look. */
struct seen {
    struct str path;
    uint64_t size;
    size_t at; /* its first piece */
};

struct seen_list {
    struct seen *list; /* by path */
    size_t n;
};

static bool is_message(const char *name)
{
    return spool_id_valid(str_of(name));
}

int take_messages(struct take *take, struct err *err)
{
    char folder[PATH_MAX], as[PATH_SIZE];
    for (size_t i = 0; i < N_FOLDERS; i++) {
        snprintf(as, sizeof as, "state/%s", folders[i]);
        if (fsio_join(folder, sizeof folder, take->conf->state_dir, folders[i], err) < 0 ||
            taking_folder(&take->t, folder, str_of(as), is_message, 0, err) < 0)
            return -1;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return str_cmp(((const struct seen *)a)->path, ((const struct seen *)b)->path);
}

static int list_seen(const struct manifest *m, struct seen_list *seen, struct err *err)
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
    qsort(seen->list, seen->n, sizeof *seen->list, compare);
    return 0;
}

/* Where the message of the path state/FOLDER/ID lies, or would, in that folder of the state. */
static int place_of(const struct take *take, const char *folder, struct str path, char *out,
                    size_t size, struct err *err)
{
    char name[PATH_SIZE];
    struct str id = str_from(path, path.n - SPOOL_ID_LEN);
    snprintf(name, sizeof name, "%s/%.*s", folder, STR_ARG(id));
    return fsio_join(out, size, take->conf->state_dir, name, err);
}

/* What is in another folder now is taken there. What the journal knows the end of goes; else it
 * ended after the journal was copied, and belongs to that state. */
static int look_at_gone(struct take *take, const struct seen *seen, struct err *err)
{
    char place[PATH_MAX];
    struct stat st;
    bool elsewhere = false;
    for (size_t i = 0; i < N_FOLDERS; i++) {
        if (place_of(take, folders[i], seen->path, place, sizeof place, err) < 0)
            return -1;
        elsewhere |= lstat(place, &st) == 0;
    }
    int open = 1;
    if (!elsewhere && take->journal)
        open = journal_snapshot_open(take->journal,
                                     str_from(seen->path, seen->path.n - SPOOL_ID_LEN), err);
    if (open < 0)
        return -1;
    if (elsewhere || !open)
        taking_drop(&take->t, seen->at);
    return 0;
}

/* A file is only appended to: one as long as it was is as it was. */
static int look_again(struct take *take, const struct seen *seen, struct err *err)
{
    char place[PATH_MAX], folder[PATH_SIZE];
    struct stat st;
    size_t prefix = strlen("state/");
    str_copy(str_sub(seen->path, prefix, seen->path.n - SPOOL_ID_LEN - 1), folder, sizeof folder);
    if (place_of(take, folder, seen->path, place, sizeof place, err) < 0)
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

static int take_new(struct take *take, const char *name, const struct seen_list *seen,
                    struct err *err)
{
    char folder[PATH_MAX], as[PATH_SIZE];
    const struct dirent *entry;
    int result = 0;
    if (fsio_join(folder, sizeof folder, take->conf->state_dir, name, err) < 0)
        return -1;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", folder);
    while (result == 0 && (entry = readdir(dir)) != NULL) {
        if (!is_message(entry->d_name))
            continue;
        snprintf(as, sizeof as, "state/%s/%.*s", name, SPOOL_ID_LEN, entry->d_name);
        const struct seen key = {.path = str_of(as)};
        if (bsearch(&key, seen->list, seen->n, sizeof key, compare) == NULL &&
            taking_file(&take->t, dirfd(dir), entry->d_name, key.path, false, err) < 0)
            result = -1;
    }
    closedir(dir);
    return result;
}

int take_messages_again(struct take *take, struct err *err)
{
    struct seen_list seen;
    if (list_seen(take->t.made, &seen, err) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; result == 0 && i < seen.n; i++)
        result = look_again(take, &seen.list[i], err);
    for (size_t i = 0; result == 0 && i < N_FOLDERS; i++)
        result = take_new(take, folders[i], &seen, err);
    free(seen.list);
    return result;
}
