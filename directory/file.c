#include "directory/file.h"

#include <fcntl.h>

#include "base/fsio.h"
#include "directory/address.h"
#include "directory/person.h"

bool file_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* A comment begins with # at the start or behind a blank: an address may hold one. */
static struct str without_comment(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (line.s[i] == '#' && (i == 0 || line.s[i - 1] == ' ' || line.s[i - 1] == '\t'))
            return str_sub(line, 0, i);
    return line;
}

/* The colon of `alias: target`; one within quotes belongs to the address. */
static size_t find_colon(struct str line)
{
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (quoted && line.s[i] == '\\')
            i++;
        else if (line.s[i] == '"')
            quoted = !quoted;
        else if (line.s[i] == ':' && !quoted)
            return i;
    }
    return STR_NONE;
}

/* The arrow of `address -> target`, likewise. */
static size_t find_arrow(struct str line)
{
    bool quoted = false;
    for (size_t i = 0; i + 1 < line.n; i++) {
        if (quoted && line.s[i] == '\\')
            i++;
        else if (line.s[i] == '"')
            quoted = !quoted;
        else if (line.s[i] == '-' && line.s[i + 1] == '>' && !quoted)
            return i;
    }
    return STR_NONE;
}

static int add(struct table *table, const struct table_entry *entry, struct err *err)
{
    struct table_entry old;
    int added = table_add(table, entry, &old);
    if (added == 0)
        return err_set(err, "%.*s is there already in line %u", STR_ARG(entry->address), old.line);
    return added == 1 ? 0 : err_set(err, "out of memory");
}

/* What stands behind the target: nothing, keep=yes or keep=no. */
static bool read_keep(struct str text, unsigned *flags)
{
    if (str_eq(text, STR("keep=yes")))
        *flags = PERSON_KEEP;
    else if (str_eq(text, STR("keep=no")))
        *flags = PERSON_NO_KEEP;
    return text.n == 0 || *flags;
}

/* `address -> target`, with the arrow at `arrow`. */
static int add_redirection(struct table *table, struct str line, size_t arrow, unsigned number,
                           struct err *err)
{
    struct address address, target;
    struct person person = {.flags = 0};
    struct buf bytes = BUF_INIT(PERSON_BYTES_MAX);
    struct str left = str_trim(str_sub(line, 0, arrow));
    struct str right = str_trim(str_from(line, arrow + 2));
    size_t end = str_rchr(right, ' ');
    bool more = end != STR_NONE && str_starts(str_from(right, end + 1), STR("keep="));
    struct str keep = more ? str_from(right, end + 1) : STR_EMPTY;
    right = str_trim(str_sub(right, 0, more ? end : right.n));
    if (!address_normal(left, false, &address) || !address_written(right, &target) ||
        !read_keep(keep, &person.flags))
        return err_set(err,
                       "`%.*s`: expected a redirection such as jean.toto@example.org -> "
                       "jean@lab.example, and behind it keep=yes, keep=no or nothing",
                       STR_ARG(str_sub(line, 0, 200)));
    person.redirect = str_of(target.text);
    person_put(&bytes, &person);
    struct table_entry entry = {.address = str_of(address.text),
                                .more = buf_str(&bytes),
                                .line = number};
    int result = buf_ok(&bytes) ? add(table, &entry, err) : err_set(err, "out of memory");
    buf_release(&bytes);
    return result;
}

static int add_line(struct table *table, struct str line, unsigned number, struct err *err)
{
    struct address address, target;
    size_t arrow = find_arrow(line);
    if (arrow != STR_NONE)
        return add_redirection(table, line, arrow, number, err);
    size_t colon = find_colon(line);
    bool alias = colon != STR_NONE;
    struct str left = str_trim(str_sub(line, 0, alias ? colon : line.n));
    struct str right = alias ? str_trim(str_from(line, colon + 1)) : STR_EMPTY;
    if (!address_normal(left, !alias, &address))
        return err_set(err, "`%.*s`: expected %s", STR_ARG(str_sub(left, 0, 200)),
                       alias ? "an alias such as jtoto@example.org before the colon"
                             : "an address such as jean.toto@example.org, or @example.org");
    if (alias && !address_normal(right, false, &target))
        return err_set(err, "`%.*s`: expected one address behind the colon of an alias",
                       STR_ARG(str_sub(right, 0, 200)));
    struct table_entry entry = {.address = str_of(address.text),
                                .target = alias ? str_of(target.text) : STR_EMPTY,
                                .line = number};
    return add(table, &entry, err);
}

static int add_lines(struct table *table, struct str text, const char *path, struct err *err)
{
    struct str rest = text;
    struct str line;
    for (unsigned number = 1; str_next_line(&rest, &line); number++) {
        int result = 0;
        if (line.n > DIRECTORY_LINE_MAX)
            result = err_set(err, "line longer than %d bytes", DIRECTORY_LINE_MAX);
        struct str entry = str_trim(without_comment(line));
        if (result == 0 && entry.n)
            result = add_line(table, entry, number, err);
        if (result < 0)
            return err_prefix(err, "%s:%u", path, number);
    }
    return 0;
}

enum file_result file_parse(struct str text, const char *path, struct table **table,
                            struct err *err)
{
    *table = NULL;
    /* What a full disk or an interrupted copy leaves must not turn every recipient away. */
    if (text.n == 0) {
        err_set(err, "%s:1: the file is empty; expected addresses, or a comment if it shall be",
                path);
        return FILE_WRONG;
    }
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    *table = table_new();
    if (*table == NULL)
        err_set(err, "%s: out of memory", path);
    else if (add_lines(*table, text, path, err) == 0)
        return FILE_READ;
    table_free(table);
    return FILE_WRONG;
}

static int read_all(int fd, const char *path, struct buf *text, struct stat *st, struct err *err)
{
    struct stat after;
    if (fstat(fd, st) < 0)
        return err_sys(err, "cannot stat %s", path);
    if (!S_ISREG(st->st_mode))
        return err_set(err, "%s is not a file", path);
    if (fsio_read_fd(fd, text, path, err) < 0)
        return -1;
    if (fstat(fd, &after) < 0 || !file_same(st, &after))
        return err_set(err, "%s was changed while it was read", path);
    return 0;
}

int file_read(const char *path, struct buf *text, struct stat *st, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not make us wait */
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    int result = read_all(fd, path, text, st, err);
    fsio_close_quiet(&fd);
    return result;
}

enum file_result file_load(const char *path, struct table **table, struct stat *st, struct err *err)
{
    struct buf text = BUF_INIT(DIRECTORY_FILE_MAX);
    *table = NULL;
    enum file_result result = file_read(path, &text, st, err) == 0
                                  ? file_parse(buf_str(&text), path, table, err)
                                  : FILE_UNREADABLE;
    buf_release(&text);
    return result;
}
