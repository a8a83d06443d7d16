/*
 * sources: an open directory, for directory.c (which loads) and find.c (which looks up).
 */
#ifndef POTERNE_DIRECTORY_SOURCES_H
#define POTERNE_DIRECTORY_SOURCES_H

#include <time.h>

#include "base/pool.h"
#include "directory/directory.h"
#include "directory/file.h"

struct source {
    const char *path;
    const char *name;    /* for people: the last part of the path */
    struct table *table; /* NULL: never read */
    bool stale;          /* the file is gone or wrong since, or was never read */
    time_t loaded_at;
    struct stat loaded; /* what the table was read from */
    struct stat failed; /* what was wrong */
    struct stat seen;   /* what was there at the last look */
    time_t retry_at;    /* of what was wrong */
};

/* The sources of one domain of the settings, in order. */
struct source_list {
    struct source **items;
    size_t n;
};

struct directory {
    struct pool *pool;
    const struct conf *conf;
    struct source *sources;
    size_t n_sources;
    struct source_list *by_domain; /* in the order of conf->domains */
};

#endif
