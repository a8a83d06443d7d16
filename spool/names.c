#include "spool/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"

#define NAMES_FIRST 256

struct reading {
    struct spool_names *names;
    const char *path;
    struct str from, before;
    size_t max;
    struct err *err;
};

/* A descriptor of its own, since reading a folder moves its position. */
static DIR *open_again(int folder, const char *path, struct err *err)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        err_sys(err, "cannot read folder %s", path);
        fsio_close_quiet(&fd);
    }
    return dir;
}

static bool is_number(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.s[n] >= '0' && s.s[n] <= '9')
        n++;
    return n > 0 && n == s.n;
}

static bool is_suffix(struct str rest, enum spool_suffix which)
{
    switch (which) {
    case SPOOL_SUFFIX_NONE:
        return rest.n == 0;
    case SPOOL_SUFFIX_NUMBER:
        return rest.n == 0 || (rest.s[0] == '.' && is_number(str_from(rest, 1)));
    case SPOOL_SUFFIX_UNSAID:
        return str_eq(rest, STR(".unsaid"));
    case SPOOL_SUFFIX_ANY:
        break;
    }
    return true;
}

int spool_names_each(int folder, const char *path, enum spool_suffix suffix,
                     int (*each)(void *data, struct str id), void *data, struct err *err)
{
    DIR *dir = open_again(folder, path, err);
    int result = dir ? 0 : -1;
    while (result == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL) {
            result = errno ? err_sys(err, "cannot read folder %s", path) : 0;
            break;
        }
        struct str name = str_of(entry->d_name), id = str_sub(name, 0, SPOOL_ID_LEN);
        if (spool_id_valid(id) && is_suffix(str_from(name, SPOOL_ID_LEN), suffix))
            result = each(data, id);
    }
    if (dir)
        closedir(dir);
    return result;
}

static int add(void *data, struct str id)
{
    const struct reading *r = data;
    struct spool_names *names = r->names;
    if (str_cmp(id, r->from) < 0 || (r->before.n && str_cmp(id, r->before) >= 0))
        return 0;
    if (names->n >= r->max)
        return 1;
    if (names->n == names->cap) {
        size_t cap = names->cap ? 2 * names->cap : NAMES_FIRST;
        spool_name *ids = realloc(names->ids, cap * sizeof *ids);
        if (ids == NULL)
            return err_set(r->err, "out of memory for the names in %s", r->path);
        names->ids = ids;
        names->cap = cap;
    }
    str_copy(id, names->ids[names->n++], sizeof(spool_name));
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return memcmp(a, b, SPOOL_ID_LEN);
}

int spool_names_read(struct spool_names *names, int folder, const char *path,
                     enum spool_suffix suffix, struct str from, struct str before, size_t max,
                     struct err *err)
{
    struct reading reading = {
        .names = names, .path = path, .from = from, .before = before, .max = max, .err = err};
    int result = spool_names_each(folder, path, suffix, add, &reading, err);
    if (names->n)
        qsort(names->ids, names->n, sizeof(spool_name), by_name);
    return result;
}

void spool_names_free(struct spool_names *names)
{
    free(names->ids);
    *names = (struct spool_names){0};
}
