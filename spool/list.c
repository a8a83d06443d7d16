/* list: the ids of a folder in order, and what is left in incoming/. */
#include <limits.h>
#include <unistd.h>

#include "base/fsio.h"
#include "spool/names.h"
#include "spool/store.h"

/* At most SPOOL_LIST_MAX: who wants more asks again when these are gone. */
static int list_fill(struct spool_names *list, const struct folder *folder, const char *root,
                     struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, root, folder->name, err) < 0)
        return -1;
    int result = spool_names_read(list, folder->fd, path, SPOOL_SUFFIX_NONE, STR_EMPTY, STR_EMPTY,
                                  SPOOL_LIST_MAX, err);
    return result < 0 ? -1 : 0;
}

int spool_each(struct spool *spool, enum spool_state state, int (*each)(void *data, const char *id),
               void *data, struct err *err)
{
    struct spool_names list = {0};
    int result = list_fill(&list, spool_folder(spool, state), spool->root, err);
    for (size_t i = 0; result == 0 && i < list.n; i++)
        result = each(data, list.ids[i]);
    spool_names_free(&list);
    return result;
}

int spool_recover(struct spool *spool, struct err *err)
{
    struct folder *incoming = &spool->folders[FOLDER_INCOMING];
    struct spool_names list = {0};
    int result = list_fill(&list, incoming, spool->root, err);
    for (size_t i = 0; result == 0 && i < list.n; i++)
        if (unlinkat(incoming->fd, list.ids[i], 0) < 0)
            result = err_sys(err, "cannot remove %s/incoming/%s", spool->root, list.ids[i]);
    if (result == 0)
        result = (int)list.n;
    spool_names_free(&list);
    return result;
}
