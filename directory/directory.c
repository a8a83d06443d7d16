#include "directory/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf_syntax.h"
#include "base/log.h"
#include "directory/sources.h"

#define MEMORY_MAX      ((size_t)64 * 1024 * 1024) /* of lists; the tables have their own */
#define SOURCES_MAX     10000
#define FINGERPRINT_MAX (64 * 1024)
#define RETRY_AFTER     60 /* seconds until a file that was wrong is read again, though the same */

/* --- loading --- */

struct table *source_take(struct source *source, struct table *table, time_t when)
{
    struct table *old = source->table;
    source->table = table;
    source->loaded_at = when;
    source->stale = false;
    return old;
}

void source_title(const struct source *source, char out[SOURCE_TITLE_SIZE])
{
    snprintf(out, SOURCE_TITLE_SIZE, "%s%s%.100s", conf_source_kind_name(source->kind),
             *source->name ? " " : "", source->name);
}

static enum file_result load(struct source *source, struct err *err)
{
    struct table *table;
    struct accounts *accounts = NULL;
    struct stat st = source->seen;
    enum file_result result = source->kind == SOURCE_ACCOUNTS
                                  ? accounts_load(source->path, &accounts, &table, &st, err)
                                  : file_load(source->path, &table, &st, err);
    if (result != FILE_READ) {
        source->stale = true;
        source->failed = st;
        source->retry_at = clock_seconds() + RETRY_AFTER;
        return result;
    }
    struct table *old = source_take(source, table, time(NULL));
    table_free(&old);
    if (accounts && (st.st_mode & S_IROTH))
        log_warning("%s: everybody on this machine can read these passwords", source->path);
    accounts_free(&source->accounts);
    source->accounts = accounts;
    source->loaded = st;
    log_info("%s: %zu addresses, %zu kB", source->path, table_count(table),
             table_bytes(table) / 1024);
    return result;
}

struct fingerprint {
    const struct source_place *place;
    struct buf text;
};

/* Settings that say how a source is asked, and not what it knows. */
static bool is_manner(const char *name)
{
    static const char *const manners[] = {"snapshot",    "lookups",         "shrink_limit",
                                          "shrink_hold", "page_size",       "connections",
                                          "timeout",     "connect_timeout", "starttls",
                                          "ca_file",     "password_file"};
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++)
        if (strcmp(name, manners[i]) == 0)
            return true;
    return false;
}

/* Where another of its settings is changed, what was said before is not its word. */
static void add_setting(void *data, const struct conf_shown *shown)
{
    struct fingerprint *f = data;
    const struct conf_source *source = &f->place->source;
    if (shown->title == NULL || strcmp(shown->title, source->name) != 0 ||
        strcmp(shown->section, conf_source_kind_name(source->kind)) != 0 || is_manner(shown->name))
        return;
    buf_addf(&f->text, "%s=", shown->name);
    for (size_t i = 0; i < shown->value->n; i++)
        buf_addf(&f->text, "%.*s\n", STR_ARG(shown->value->items[i]));
}

static uint64_t identity_of(const struct conf *conf, const struct source_place *place)
{
    struct fingerprint f = {place, BUF_INIT(FINGERPRINT_MAX)};
    buf_addf(&f.text, "%s %s\n", conf_source_kind_name(place->source.kind), place->source.name);
    if (place->domain)
        buf_addf(&f.text, "%s\n", place->domain->name);
    for (size_t i = 0; place->domain && i < place->domain->next_hop.n; i++)
        buf_addf(&f.text, "%s\n", place->domain->next_hop.items[i].text);
    if (place->domain == NULL)
        conf_each(conf, add_setting, &f);
    uint64_t identity = str_hash(buf_str(&f.text));
    buf_release(&f.text);
    return identity;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Domains that name the same one share it; a call-ahead is its domain's own. */
static struct source *source_add(struct directory *directory, const struct source_place *place,
                                 const struct source_ops *ops)
{
    const struct conf_source *wanted = &place->source;
    struct source *source = directory->sources;
    struct source *end = source + directory->n_sources;
    bool file = conf_source_is_file(wanted->kind);
    for (; source < end; source++)
        if (source->kind == wanted->kind && strcmp(source->place.source.name, wanted->name) == 0 &&
            source->place.domain == place->domain)
            return source;
    *source = (struct source){.kind = wanted->kind,
                              .place = *place,
                              .ops = ops,
                              .identity = file ? 0 : identity_of(directory->conf, place),
                              .number = directory->n_sources,
                              .name = file ? last_part(wanted->name) : wanted->name,
                              .path = file ? wanted->name : NULL,
                              .stale = true};
    directory->n_sources++;
    return source;
}

static int no_memory(struct err *err)
{
    return err_set(err, "directory: out of memory");
}

static int list_fill(struct directory *directory, const struct source_ops *const *ops,
                     struct source_list *list, const struct conf_list *from,
                     const struct conf_domain *domain, struct err *err)
{
    list->items = POOL_ARRAY(directory->pool, from->n, struct source *);
    if (list->items == NULL)
        return no_memory(err);
    for (size_t i = 0; i < from->n; i++) {
        struct source_place place = {.conf = directory->conf};
        if (!conf_source_of(from->items[i], &place.source))
            return err_set(err, "directory: `%s` is no source", from->items[i]);
        if (place.source.kind == SOURCE_CALL_AHEAD)
            place.domain = domain;
        list->items[list->n++] = source_add(directory, &place, ops[place.source.kind]);
    }
    return 0;
}

/* Domains without sources of their own share one list. */
static int lists_fill(struct directory *directory, const struct source_ops *const *ops,
                      struct err *err)
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
    if (list_fill(directory, ops, &shared, &conf->directory_files, NULL, err) < 0)
        return -1;
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_domain *domain = &conf->domains[i];
        if (domain->directory.n == 0)
            directory->by_domain[i] = shared;
        else if (list_fill(directory, ops, &directory->by_domain[i], &domain->directory, domain,
                           err) < 0)
            return -1;
    }
    return 0;
}

static int load_all(struct directory *directory, struct err *err)
{
    for (size_t i = 0; i < directory->n_sources; i++) {
        if (directory->sources[i].path == NULL)
            continue;
        enum file_result result = load(&directory->sources[i], err);
        if (result == FILE_WRONG)
            return -1;
        if (result == FILE_UNREADABLE)
            log_error("%s; recipients that no other source knows get 451 until it can be read",
                      err->text);
    }
    return 0;
}

struct directory *directory_open(const struct conf *conf,
                                 const struct source_ops *const ops[CONF_SOURCE_KINDS],
                                 struct err *err)
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
    if (lists_fill(directory, ops, err) < 0 || load_all(directory, err) < 0)
        directory_close(&directory);
    return directory;
}

void directory_close(struct directory **directory)
{
    struct directory *gone = *directory;
    if (gone == NULL)
        return;
    *directory = NULL;
    for (size_t i = 0; i < gone->n_sources; i++) {
        table_free(&gone->sources[i].table);
        accounts_free(&gone->sources[i].accounts);
    }
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
        if (directory->sources[i].path == NULL)
            continue;
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
        if (source->path && source->table && access(source->path, R_OK) < 0)
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
    for (size_t i = 0; i < conf->n_domains; i++) {
        const struct conf_list *list = &conf->domains[i].directory;
        struct conf_source source;
        for (size_t k = 0; k < list->n; k++)
            if (conf_source_of(list->items[k], &source) && conf_source_is_file(source.kind))
                each(data, source.name);
    }
}
