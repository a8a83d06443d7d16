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

struct conf *conf_parse(struct str text, const char *path, struct err *err)
{
    struct conf_entries entries = {0};
    struct pool *pool = pool_new(CONF_MEMORY_MAX);
    const char *file = pool ? pool_cstr(pool, str_of(path)) : NULL;
    if (file == NULL)
        err_set(err, "%s: out of memory", path);
    else if (text.n > CONF_TEXT_MAX)
        err_set(err, "%s: larger than the limit of %d bytes", path, CONF_TEXT_MAX);
    else if (conf_syntax_parse(text, file, pool, &entries, err) == 0)
        return conf_load(pool, &entries, path, err);
    pool_free(&pool);
    return NULL;
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

struct conf *conf_read(const char *path, struct err *err)
{
    struct conf_entries entries = {0};
    struct pool *pool = pool_new(CONF_MEMORY_MAX);
    if (pool == NULL)
        err_set(err, "%s: out of memory", path);
    else if (read_file(pool, path, &entries, err) == 0 &&
             read_drop_ins(pool, path, &entries, err) == 0)
        return conf_load(pool, &entries, path, err);
    pool_free(&pool);
    return NULL;
}
