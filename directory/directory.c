#include "directory/directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pool.h"
#include "directory/address.h"
#include "directory/file.h"

#define MEMORY_MAX  ((size_t)64 * 1024 * 1024) /* of lists; the tables have their own */
#define SOURCES_MAX 10000
#define RETRY_AFTER 60 /* seconds until a file that was wrong is read again, though the same */

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

static time_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* --- loading --- */

static enum file_result load(struct source *source, struct err *err)
{
    struct table *table;
    struct stat st = source->seen;
    enum file_result result = file_load(source->path, &table, &st, err);
    source->stale = result != FILE_READ;
    if (source->stale) {
        source->failed = st;
        source->retry_at = now() + RETRY_AFTER;
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
    source->retry_at = now() + RETRY_AFTER;
    return FILE_UNREADABLE;
}

/* 1 something new, 0 nothing, -1 err */
static int refresh(struct source *source, struct err *err)
{
    struct stat st = {0};
    bool there = stat(source->path, &st) == 0;
    bool known_failure = source->stale && file_same(&st, &source->failed);
    if (known_failure && now() < source->retry_at)
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

/* --- finding --- */

struct question {
    const struct conf *conf;
    const struct source_list *sources;
    const struct address *address;
    struct directory_answer *answer;
};

/* "file functional", and of when it is if the file can't be asked now */
static void explain(const struct question *q, const struct source *source, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void explain(const struct question *q, const struct source *source, const char *format, ...)
{
    struct buf how = BUF_INIT(DIRECTORY_HOW_SIZE - 1);
    char when[40];
    struct tm tm;
    va_list ap;
    buf_addf(&how, "file %.100s", source->name);
    va_start(ap, format);
    buf_vaddf(&how, format, ap);
    va_end(ap);
    if (source->stale && gmtime_r(&source->loaded_at, &tm)) {
        strftime(when, sizeof when, ", as of %Y-%m-%dT%H:%M:%SZ", &tm);
        buf_add(&how, str_of(when));
    }
    str_copy(str_of(buf_cstr(&how)), q->answer->how, sizeof q->answer->how);
    buf_release(&how);
}

static bool find_entry(const struct question *q, struct str key, struct table_entry *entry,
                       const struct source **source)
{
    for (size_t i = 0; i < q->sources->n; i++) {
        *source = q->sources->items[i];
        if ((*source)->table && table_find((*source)->table, key, entry))
            return true;
    }
    return false;
}

static bool find_address(const struct question *q, struct str address, const char *note)
{
    struct table_entry entry;
    const struct source *source;
    if (!find_entry(q, address, &entry, &source))
        return false;
    if (entry.target.n)
        explain(q, source, ", alias of %.*s%s", STR_ARG(entry.target), note);
    else
        explain(q, source, "%s", note);
    str_copy(entry.target.n ? entry.target : entry.address, q->answer->address,
             sizeof q->answer->address);
    return true;
}

/* jean+list@example.org as jean@example.org (RFC 5233) */
static bool find_subaddress(const struct question *q)
{
    char shorter[ADDRESS_MAX + 1];
    const struct address *address = q->address;
    char separator = q->conf->directory_subaddress[0];
    if (separator == '\0' || address->text[0] == '"')
        return false;
    size_t n = str_chr(str_sub(str_of(address->text), 0, address->local_n), separator);
    if (n == STR_NONE || n == 0)
        return false;
    int total = snprintf(shorter, sizeof shorter, "%.*s%s", (int)n, address->text,
                         address->text + address->local_n);
    return total > 0 && find_address(q, str_n(shorter, (size_t)total), ", with an extension");
}

static bool find_catch_all(const struct question *q)
{
    struct table_entry entry;
    const struct source *source;
    if (!find_entry(q, str_of(q->address->text + q->address->local_n), &entry, &source))
        return false;
    explain(q, source, ", catch-all");
    str_copy(str_of(q->address->text), q->answer->address, sizeof q->answer->address);
    return true;
}

static bool is_postmaster(const struct question *q)
{
    if (!str_eq(str_sub(str_of(q->address->text), 0, q->address->local_n), STR("postmaster")))
        return false;
    str_copy(str_of(q->address->text), q->answer->address, sizeof q->answer->address);
    str_copy(STR("postmaster is always known"), q->answer->how, sizeof q->answer->how);
    return true;
}

static enum directory_result not_found(const struct question *q)
{
    for (size_t i = 0; i < q->sources->n; i++) {
        const struct source *source = q->sources->items[i];
        if (!source->stale)
            continue;
        snprintf(q->answer->how, sizeof q->answer->how, "file %.100s can't be asked", source->name);
        return DIRECTORY_UNAVAILABLE;
    }
    return DIRECTORY_UNKNOWN;
}

/* `postmaster` alone: of the domain that the gateway's own name lies in, else of the first. */
static bool complete_postmaster(const struct conf *conf, struct address *address)
{
    const struct conf_domain *domain = NULL;
    struct str rest = str_of(conf->hostname);
    struct str label;
    while (domain == NULL && rest.n) {
        domain = conf_domain_find(conf, rest);
        str_next(&rest, '.', &label);
    }
    if (domain == NULL)
        domain = &conf->domains[0];
    char text[sizeof "postmaster@" + 256];
    int n = snprintf(text, sizeof text, "postmaster@%s", domain->name);
    return n > 0 && (size_t)n < sizeof text && address_normal(str_of(text), false, address);
}

void directory_find(const struct directory *directory, struct str address,
                    struct directory_answer *answer)
{
    struct address normal;
    *answer = (struct directory_answer){.result = DIRECTORY_NOT_OURS};
    bool good = str_ieq(address, STR("postmaster")) ? complete_postmaster(directory->conf, &normal)
                                                    : address_normal(address, false, &normal);
    size_t at = str_rchr(address, '@');
    struct str name = good             ? address_domain(&normal)
                      : at == STR_NONE ? STR_EMPTY
                                       : str_from(address, at + 1);
    const struct conf_domain *domain = conf_domain_find(directory->conf, name);
    if (domain == NULL)
        return;
    if (!good) {
        answer->result = DIRECTORY_UNKNOWN;
        return;
    }
    struct question q = {directory->conf, &directory->by_domain[domain - directory->conf->domains],
                         &normal, answer};
    if (find_address(&q, str_of(normal.text), "") || find_subaddress(&q) || is_postmaster(&q) ||
        find_catch_all(&q))
        answer->result = DIRECTORY_KNOWN;
    else
        answer->result = not_found(&q);
}
