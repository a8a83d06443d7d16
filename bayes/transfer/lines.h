/* lines: a file's lines, one after the other, of bounded length; LF or CR LF ends them. */
#ifndef POTERNE_BAYES_TRANSFER_LINES_H
#define POTERNE_BAYES_TRANSFER_LINES_H

#include "base/err.h"
#include "base/str.h"

#define LINE_MAX_BYTES 4096 /* its end included */

struct lines {
    int fd;
    const char *path; /* for messages */
    uint64_t number;  /* of the last line */
    size_t from, to;  /* what is read and not taken yet */
    bool end;
    char block[16 * LINE_MAX_BYTES];
};

void lines_init(struct lines *lines, int fd, const char *path);
/* 1: a line, which lives until the next call; 0: the end; -1 with err. A last line without an end
 * is an error: the file is cut short. */
int lines_next(struct lines *lines, struct str *line, struct err *err);
/* Fills err with "PATH:LINE: what"; -1. */
int lines_err(const struct lines *lines, const char *what, struct err *err);

#endif
