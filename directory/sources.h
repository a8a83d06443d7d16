/*
 * sources: an open directory, for directory.c (which loads), search.c (which looks up) and the
 * process (which asks).
 */
#ifndef POTERNE_DIRECTORY_SOURCES_H
#define POTERNE_DIRECTORY_SOURCES_H

#include <time.h>

#include "base/pool.h"
#include "directory/accounts.h"
#include "directory/directory.h"
#include "directory/file.h"

struct source {
    enum conf_source_kind kind;
    struct source_place place;
    const struct source_ops *ops; /* NULL: can't be asked (a file) */
    uint64_t identity;            /* of it and of all its settings: whose word something is */
    size_t number;                /* its place in struct directory */
    const char *name;             /* for people: the section's, or the last part of a path */
    struct table *table;          /* NULL: nothing in memory */
    bool stale;                   /* the table is not what the source says now, or there is none */
    bool decides;                 /* who is not in the table is not asked for */
    time_t loaded_at;             /* when the table was true */
    struct accounts *accounts;    /* of a file of accounts: who may log in; NULL: nobody knows */
    /* of a file */
    const char *path;
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

/* Another table takes the place of the old one, as of `when`. The old one, for the caller to free.
 */
struct table *source_take(struct source *source, struct table *table, time_t when);
/* "ldap staff" */
#define SOURCE_TITLE_SIZE 160
void source_title(const struct source *source, char out[SOURCE_TITLE_SIZE]);

#endif
