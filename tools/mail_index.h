/*
 * mail_index: a list of messages of known class: lines "ham PATH" or "spam PATH", a path relative
 * to the folder of the list.
 */
#ifndef POTERNE_TOOLS_MAIL_INDEX_H
#define POTERNE_TOOLS_MAIL_INDEX_H

#include "base/err.h"
#include "base/pool.h"

#define MAIL_INDEX_FILE_MAX ((size_t)1024 * 1024 * 1024)
#define MAIL_INDEX_MAX      10000000 /* messages */

struct mail_index_entry {
    bool spam;
    const char *path;
    const char *named; /* the path as it stands in the list */
};

struct mail_index {
    struct mail_index_entry *list; /* in the pool */
    size_t n, cap;
};

/* Adds what a list names. -1 with err that names file and line of a mistake. */
int mail_index_read(struct mail_index *index, struct pool *pool, const char *path, struct err *err);

#endif
