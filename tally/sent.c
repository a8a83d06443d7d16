#include "tally/sent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

#define BOOK_MAX ((size_t)64 * 1024 * 1024)

static const char *const words[SENT_STATES] = {
    [SENT_NOT] = "-",     [SENT_BEGUN] = "begun",       [SENT_WAITING] = "waiting",
    [SENT_DONE] = "sent", [SENT_UNWANTED] = "unwanted", [SENT_GIVEN_UP] = "given-up",
};

const char *sent_state_name(enum sent_state state)
{
    return state == SENT_NOT ? "not sent" : (unsigned)state < SENT_STATES ? words[state] : "?";
}

/* --- reading --- */

static int by_domain(const void *a, const void *b)
{
    return str_cmp(((const struct sent_line *)a)->domain, ((const struct sent_line *)b)->domain);
}

/* False: torn, or written by a later version. */
static bool read_line(struct str text, struct sent_line *line)
{
    struct str word;
    if (!str_next(&text, '\t', &word) || !str_next(&text, '\t', &line->domain))
        return false;
    line->detail = text;
    for (int s = SENT_BEGUN; s < SENT_STATES; s++)
        if (str_eq(word, str_of(words[s]))) {
            line->state = (enum sent_state)s;
            return line->domain.n > 0;
        }
    return false;
}

/* qsort() keeps no order among equals: the later line of a domain goes over the earlier one here.
 */
static void keep_last(struct sent_book *book)
{
    size_t n = 0;
    for (size_t i = 0; i < book->n; i++) {
        bool same = n && str_eq(book->lines[n - 1].domain, book->lines[i].domain);
        if (!same)
            book->lines[n++] = book->lines[i];
        else if (book->lines[i].domain.s > book->lines[n - 1].domain.s)
            book->lines[n - 1] = book->lines[i];
    }
    book->n = n;
}

static int read_book(struct sent_book *book, struct str text, struct pool *pool, struct err *err)
{
    size_t cap = 0;
    struct sent_line line;
    struct str one;
    while (str_next(&text, '\n', &one)) {
        if (text.s == NULL) /* nothing behind it, not even a line's end: torn */
            break;
        if (!read_line(one, &line))
            continue;
        struct sent_line *all = pool_grow(pool, book->lines, book->n, &cap, sizeof *all);
        if (all == NULL)
            return err_set(err, "out of memory for what was sent");
        book->lines = all;
        all[book->n++] = line;
    }
    if (book->n)
        qsort(book->lines, book->n, sizeof *book->lines, by_domain);
    keep_last(book);
    return 0;
}

static int load(struct sent_book *book, int fd, const char *path, struct pool *pool,
                struct err *err)
{
    struct buf text = BUF_INIT(BOOK_MAX);
    int result = fsio_read_fd(fd, &text, path, err);
    struct str copy = result == 0 ? pool_str(pool, buf_str(&text)) : STR_EMPTY;
    if (result == 0 && copy.s == NULL)
        result = err_set(err, "out of memory for what was sent");
    /* what comes next must not stand behind a torn line */
    if (result == 0 && book->fd >= 0 && copy.n && copy.s[copy.n - 1] != '\n' &&
        write(book->fd, "\n", 1) != 1)
        result = err_sys(err, "cannot write %s", path);
    if (result == 0)
        result = read_book(book, copy, pool, err);
    buf_release(&text);
    return result;
}

static int path_of(char path[PATH_MAX], const char *folder, enum tally_kind kind, int64_t day,
                   struct err *err)
{
    char text[TALLY_DAY_SIZE], name[64];
    if (!tally_day_put(day, text))
        return err_set(err, "there is no such day");
    snprintf(name, sizeof name, "%s.%s", text, kind == TALLY_TLS ? "tls" : "dmarc");
    return fsio_join(path, PATH_MAX, folder, name, err);
}

/* Its mode is what our umask and the folder above leave of it. */
static int make_folder(const char *folder, struct err *err)
{
    if (mkdir(folder, 0750) == 0)
        return fsio_sync_parent(folder, err);
    return errno == EEXIST ? 0 : err_sys(err, "cannot make %s", folder);
}

int sent_open(struct sent_book *book, const char *folder, enum tally_kind kind, int64_t day,
              bool writing, struct pool *pool, struct err *err)
{
    char path[PATH_MAX];
    *book = (struct sent_book){.fd = -1};
    if (path_of(path, folder, kind, day, err) < 0)
        return -1;
    if (writing && make_folder(folder, err) < 0)
        return -1;
    int flags = writing ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY;
    int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0 && errno == ENOENT && !writing)
        return 0;
    if (fd < 0)
        return err_sys(err, "cannot open %s", path);
    book->fd = writing ? fd : -1;
    int result = load(book, fd, path, pool, err);
    if (!writing)
        close(fd);
    if (result < 0)
        sent_close(book);
    return result;
}

void sent_close(struct sent_book *book)
{
    fsio_close_quiet(&book->fd);
}

struct sent_line sent_find(const struct sent_book *book, struct str domain)
{
    const struct sent_line wanted = {.domain = domain};
    const struct sent_line *found =
        book->n ? bsearch(&wanted, book->lines, book->n, sizeof wanted, by_domain) : NULL;
    return found ? *found : wanted;
}

/* --- writing --- */

static void put_clean(struct buf *out, struct str text, size_t max)
{
    for (size_t i = 0; i < text.n && i < max; i++)
        buf_addc(out, (unsigned char)text.s[i] < ' ' ? ' ' : text.s[i]);
}

int sent_note(const struct sent_book *book, enum sent_state state, struct str domain,
              struct str detail, struct err *err)
{
    struct buf line = BUF_INIT(SENT_DETAIL_MAX + 2 * DOMAIN_SIZE);
    buf_addf(&line, "%s\t", words[state]);
    put_clean(&line, domain, DOMAIN_NAME_MAX);
    buf_addc(&line, '\t');
    put_clean(&line, detail, SENT_DETAIL_MAX);
    buf_addc(&line, '\n');
    int result = buf_ok(&line) ? 0 : err_set(err, "out of memory");
    if (result == 0 && write(book->fd, line.p, line.n) != (ssize_t)line.n)
        result = err_sys(err, "cannot note what is sent");
    if (result == 0 && fdatasync(book->fd) < 0)
        result = err_sys(err, "cannot note what is sent");
    buf_release(&line);
    return result;
}

int sent_sweep(const char *folder, int64_t day, struct err *err)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? 0 : err_sys(err, "cannot read %s", folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        int64_t its;
        struct str name = str_of(e->d_name);
        size_t dot = str_chr(name, '.');
        if (dot != STR_NONE && tally_day_get(str_sub(name, 0, dot), &its) && its < day)
            unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
    return 0;
}
