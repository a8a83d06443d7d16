/* list: the ids of a folder in order, and what is left in incoming/. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "spool/store.h"

typedef char id_text[SPOOL_ID_LEN + 1];

struct id_list {
    id_text *ids;
    size_t n;
    size_t cap;
};

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, SPOOL_ID_LEN);
}

static bool list_add(struct id_list *list, const char *id)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 256;
        id_text *ids = realloc(list->ids, cap * sizeof *ids);
        if (ids == NULL)
            return false;
        list->ids = ids;
        list->cap = cap;
    }
    memcpy(list->ids[list->n++], id, sizeof(id_text));
    return true;
}

/* A descriptor of its own, since reading a folder moves its position. */
static DIR *folder_read(const struct folder *folder, const char *root, struct err *err)
{
    int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        err_sys(err, "cannot read folder %s/%s", root, folder->name);
        if (fd >= 0)
            close(fd);
    }
    return dir;
}

static int list_fill(struct id_list *list, const struct folder *folder, const char *root,
                     struct err *err)
{
    DIR *dir = folder_read(folder, root, err);
    struct dirent *entry;
    int result = 0;
    if (dir == NULL)
        return -1;
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (entry == NULL || list->n >= SPOOL_LIST_MAX)
            break;
        if (spool_id_valid(str_of(entry->d_name)) && !list_add(list, entry->d_name)) {
            result = err_set(err, "out of memory for the names in %s/%s", root, folder->name);
            break;
        }
    }
    if (result == 0 && entry == NULL && errno)
        result = err_sys(err, "cannot read folder %s/%s", root, folder->name);
    closedir(dir);
    if (list->n)
        qsort(list->ids, list->n, sizeof(id_text), by_name);
    return result;
}

int spool_each(struct spool *spool, enum spool_state state, int (*each)(void *data, const char *id),
               void *data, struct err *err)
{
    struct id_list list = {0};
    int result = list_fill(&list, spool_folder(spool, state), spool->root, err);
    for (size_t i = 0; result == 0 && i < list.n; i++)
        result = each(data, list.ids[i]);
    free(list.ids);
    return result;
}

int spool_recover(struct spool *spool, struct err *err)
{
    struct folder *incoming = &spool->folders[FOLDER_INCOMING];
    struct id_list list = {0};
    int result = list_fill(&list, incoming, spool->root, err);
    for (size_t i = 0; result == 0 && i < list.n; i++)
        if (unlinkat(incoming->fd, list.ids[i], 0) < 0)
            result = err_sys(err, "cannot remove %s/incoming/%s", spool->root, list.ids[i]);
    if (result == 0)
        result = (int)list.n;
    free(list.ids);
    return result;
}
