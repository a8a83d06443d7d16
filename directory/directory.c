#include "directory/directory.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "directory/sources.h"

#define MEMORY_MAX  ((size_t)64 * 1024 * 1024) /* of lists; the tables have their own */
#define SOURCES_MAX 10000
#define RETRY_AFTER 60 /* seconds until a file that was wrong is read again, though the same */

/* --- loading --- */

static enum file_result load(struct source *source, struct err *err)
{
    struct table *table;
    struct stat st = source->seen;
    enum file_result result = file_load(source->path, &table, &st, err);
    source->stale = result != FILE_READ;
    if (source->stale) {
        source->failed = st;
        source->retry_at = clock_seconds() + RETRY_AFTER;
        return result;
    }
    table_free(&source->table);
    source->table = table;
    source->loaded = st;
    source->loaded_at = time(NULL);
    log_info("%s: %zu addresses, %zu kB", source->path, table_count(table),
             table_bytes(table) / 1024);
    return result;
}

/* What a source list names "file /path" */
static const char *path_of(const char *item)
{
    return item + strlen("file ");
}

static struct source *source_add(struct directory *directory, const char *path)
{
    struct source *source = directory->sources;
    struct source *end = source + directory->n_sources;
    while (source < end && strcmp(source->path, path) != 0)
        source++;
    if (source < end)
        return source;
    const char *slash = strrchr(path, '/');
    *source = (struct source){.path = path, .name = slash ? slash + 1 : path, .stale = true};
    directory->n_sources++;
    return source;
}

static int no_memory(struct err *err)
{
    return err_set(err, "directory: out of memory");
}

static int list_fill(struct directory *directory, struct source_list *list,
                     const struct conf_list *from, bool named, struct err *err)
{
    list->items = POOL_ARRAY(directory->pool, from->n, struct source *);
    if (list->items == NULL)
        return no_memory(err);
    for (size_t i = 0; i < from->n; i++)
        list->items[list->n++] =
            source_add(directory, named ? path_of(from->items[i]) : from->items[i]);
    return 0;
}

/* Domains without sources of their own share one list. */
static int lists_fill(struct directory *directory, struct err *err)
{
    const struct conf *conf = directory->conf;
    struct source_list shared = {0};
    size_t n = conf->directory_files.n;
    for (size_t i = 0; i < conf->n_domains; i++)
        n += conf->domains[i].directory.n;
    if (n > SOURCES_MAX)
        return err_set(err, "directory: %zu sources; at most %d can be used", n, SOURCES_MAX);
    directory->sources = POOL_ARRAY(directory->pool, n, struct source);
    directory->by_domain = POOL_ARRAY(directory->pool, conf->n_domains, struct source_list);
    if (directory->sources == NULL || directory->by_domain == NULL)
        return no_memory(err);
    if (list_fill(directory, &shared, &conf->directory_files, false, err) < 0)
        return -1;
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_list *own = &conf->domains[i].directory;
        if (own->n == 0)
            directory->by_domain[i] = shared;
        else if (list_fill(directory, &directory->by_domain[i], own, true, err) < 0)
            return -1;
    }
    return 0;
}

static int load_all(struct directory *directory, struct err *err)
{
    for (size_t i = 0; i < directory->n_sources; i++) {
        enum file_result result = load(&directory->sources[i], err);
        if (result == FILE_WRONG)
            return -1;
        if (result == FILE_UNREADABLE)
            log_error("%s; recipients that no other source knows get 451 until it can be read",
                      err->text);
    }
    return 0;
}

struct directory *directory_open(const struct conf *conf, struct err *err)
{
    struct pool *pool = pool_new(MEMORY_MAX);
    struct directory *directory = pool ? POOL_NEW(pool, struct directory) : NULL;
    if (directory == NULL) {
        pool_free(&pool);
        no_memory(err);
        return NULL;
    }
    directory->pool = pool;
    directory->conf = conf;
    if (lists_fill(directory, err) < 0 || load_all(directory, err) < 0)
        directory_close(&directory);
    return directory;
}

void directory_close(struct directory **directory)
{
    struct directory *gone = *directory;
    if (gone == NULL)
        return;
    *directory = NULL;
    for (size_t i = 0; i < gone->n_sources; i++)
        table_free(&gone->sources[i].table);
    struct pool *pool = gone->pool;
    pool_free(&pool);
}

/* --- changes --- */

static enum file_result missing(struct source *source, struct err *err)
{
    err_sys(err, "cannot look at %s", source->path);
    memset(&source->seen, 0, sizeof source->seen);
    source->stale = true;
    source->failed = source->seen;
    source->retry_at = clock_seconds() + RETRY_AFTER;
    return FILE_UNREADABLE;
}

/* 1 something new, 0 nothing, -1 err */
static int refresh(struct source *source, struct err *err)
{
    struct stat st = {0};
    bool there = stat(source->path, &st) == 0;
    bool known_failure = source->stale && file_same(&st, &source->failed);
    if (known_failure && clock_seconds() < source->retry_at)
        return 0;
    if (!there)
        return missing(source, err) == FILE_READ ? 0 : -1;
    bool settled = file_same(&st, &source->seen);
    source->seen = st;
    if (source->table && file_same(&st, &source->loaded)) {
        bool back = source->stale;
        source->stale = false;
        return back;
    }
    if (!settled)
        return 0;
    return load(source, err) == FILE_READ ? 1 : -1;
}

int directory_refresh(struct directory *directory, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < directory->n_sources; i++) {
        struct err one = {""};
        int changed = refresh(&directory->sources[i], &one);
        if (changed < 0 && result < 0)
            log_error("%s", err->text);
        if (changed < 0)
            *err = one;
        if (changed != 0 && result >= 0)
            result = changed;
    }
    return result;
}

int directory_readable(const struct directory *directory, struct err *err)
{
    for (size_t i = 0; i < directory->n_sources; i++) {
        const struct source *source = &directory->sources[i];
        if (source->table && access(source->path, R_OK) < 0)
            return err_sys(err, "%s could be read at the start, but not again when it changes",
                           source->path);
    }
    return 0;
}

void directory_each_path(const struct conf *conf, void (*each)(void *data, const char *path),
                         void *data)
{
    for (size_t i = 0; i < conf->directory_files.n; i++)
        each(data, conf->directory_files.items[i]);
    for (size_t i = 0; i < conf->n_domains; i++)
        for (size_t k = 0; k < conf->domains[i].directory.n; k++)
            each(data, path_of(conf->domains[i].directory.items[k]));
}
