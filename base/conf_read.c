/* From texts and files to settings. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/conf_loaded.h"
#include "base/fsio.h"

#define DROP_INS_MAX 200

/* The settings, or NULL with the first mistake in err and how many more there are. */
static struct conf *finish(struct pool *pool, const struct conf_entries *entries, const char *path,
                           struct conf_mistakes *mistakes, struct err *err)
{
    struct conf *conf = NULL;
    if (mistakes->n == 0)
        conf = conf_load(pool, entries, path, mistakes);
    else
        pool_free(&pool);
    if (mistakes->n == 0)
        return conf;
    *err = mistakes->first;
    if (mistakes->n > 1)
        err_set(err, "%s; and %zu more: poterne config check", mistakes->first.text,
                mistakes->n - 1);
    return NULL;
}

struct conf *conf_parse(struct str text, const char *path, struct err *err)
{
    struct conf_mistakes mistakes = {.n = 0};
    struct conf_entries entries = {0};
    struct pool *pool = pool_new(CONF_MEMORY_MAX);
    const char *file = pool ? pool_cstr(pool, str_of(path)) : NULL;
    int result = -1;
    if (file == NULL)
        err_set(err, "%s: out of memory", path);
    else if (text.n > CONF_TEXT_MAX)
        err_set(err, "%s: larger than the limit of %d bytes", path, CONF_TEXT_MAX);
    else
        result = conf_syntax_parse(text, file, pool, &entries, err);
    if (result < 0)
        conf_mistake_add(&mistakes, err);
    return finish(pool, &entries, path, &mistakes, err);
}

static int read_file(struct pool *pool, const char *path, struct conf_entries *entries,
                     struct err *err)
{
    struct buf text = BUF_INIT(CONF_FILE_MAX);
    const char *file = pool_cstr(pool, str_of(path));
    int result = file ? fsio_read_file(path, &text, err) : err_set(err, "out of memory");
    if (result == 0)
        result = conf_syntax_parse(buf_str(&text), file, pool, entries, err);
    buf_release(&text);
    return result;
}

static int is_drop_in(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(str_of(entry->d_name), STR(".conf"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_drop_in(struct pool *pool, const char *folder, const char *name,
                        struct conf_entries *entries, struct err *err)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return err_set(err, "%s/%s: path too long", folder, name);
    return read_file(pool, path, entries, err);
}

/* conf.d/ beside the file; there need not be one. */
static int read_drop_ins(struct pool *pool, const char *path, struct conf_entries *entries,
                         struct err *err)
{
    char folder[PATH_MAX];
    struct dirent **list;
    struct str whole = str_of(path);
    size_t slash = str_rchr(whole, '/');
    struct str parent = slash == STR_NONE ? STR(".") : str_sub(whole, 0, slash);
    int n = snprintf(folder, sizeof folder, "%.*s/conf.d", STR_ARG(parent));
    if (n < 0 || (size_t)n >= sizeof folder)
        return err_set(err, "%s: path too long", path);
    int count = scandir(folder, &list, is_drop_in, by_bytes);
    if (count < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read folder %s", folder);
    int result = 0;
    if (count > DROP_INS_MAX)
        result = err_set(err, "%s: more than %d files", folder, DROP_INS_MAX);
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = read_drop_in(pool, folder, list[i]->d_name, entries, err);
        free(list[i]);
    }
    free(list);
    return result;
}

struct conf *conf_read(const char *path, conf_mistake *mistake, void *data, struct err *err)
{
    struct conf_mistakes mistakes = {.tell = mistake, .data = data};
    struct conf_entries entries = {0};
    struct pool *pool = pool_new(CONF_MEMORY_MAX);
    int result = -1;
    if (pool == NULL)
        err_set(err, "%s: out of memory", path);
    else if (read_file(pool, path, &entries, err) == 0)
        result = read_drop_ins(pool, path, &entries, err);
    if (result < 0)
        conf_mistake_add(&mistakes, err);
    return finish(pool, &entries, path, &mistakes, err);
}
