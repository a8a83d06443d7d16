#include "bayes/transfer/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

void lines_init(struct lines *lines, int fd, const char *path)
{
    lines->fd = fd;
    lines->path = path;
    lines->number = 0;
    lines->from = lines->to = 0;
    lines->end = false;
}

int lines_err(const struct lines *lines, const char *what, struct err *err)
{
    return err_set(err, "%s:%" PRIu64 ": %s", lines->path, lines->number, what);
}

static int lines_fill(struct lines *lines, struct err *err)
{
    memmove(lines->block, lines->block + lines->from, lines->to - lines->from);
    lines->to -= lines->from;
    lines->from = 0;
    for (;;) {
        ssize_t n = read(lines->fd, lines->block + lines->to, sizeof lines->block - lines->to);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, "cannot read %s", lines->path);
        lines->to += (size_t)n;
        lines->end = n == 0;
        return 0;
    }
}

int lines_next(struct lines *lines, struct str *line, struct err *err)
{
    lines->number++;
    for (;;) {
        struct str rest = str_n(lines->block + lines->from, lines->to - lines->from);
        size_t at = str_chr(str_sub(rest, 0, LINE_MAX_BYTES), '\n');
        if (at != STR_NONE) {
            lines->from += at + 1;
            *line = str_sub(rest, 0, at && rest.s[at - 1] == '\r' ? at - 1 : at);
            return 1;
        }
        if (rest.n >= LINE_MAX_BYTES)
            return lines_err(lines, "the line is too long", err);
        if (lines->end && rest.n)
            return lines_err(lines, "the file ends in the middle of a line", err);
        if (lines->end)
            return 0;
        if (lines_fill(lines, err) < 0)
            return -1;
    }
}
