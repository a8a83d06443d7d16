/*
 * files: the messages that a command line names: files, folders with all that is below them in the
 * order of names (of a Maildir only cur/ and new/), and `-`, which is standard input.
 */
#ifndef POTERNE_TOOLS_FILES_H
#define POTERNE_TOOLS_FILES_H

#include "base/buf.h"
#include "base/err.h"

#define FILES_MAX   10000000
#define FILES_DEPTH 32 /* folders inside one another */

struct file_list {
    char **paths;
    size_t n;
    size_t cap;
};

/* Adds what `path` stands for; hidden files and what is no plain file inside folders is left out.
 */
int file_list_add(struct file_list *list, const char *path, struct err *err);
void file_list_free(struct file_list *list);

/* The whole file, appended to out. `out`'s maximum bounds it. */
int file_read(const char *path, struct buf *out, struct err *err);

/*
 * mbox (RFC 4155): "From sender date" before each message, ">From " inside for "From ".
 * A file is taken for one when it begins with such a line and holds another behind an empty line.
 */
bool mbox_is(struct str whole);
/* The next message; `out` is emptied and gets it with its quoting undone. False at the end. */
bool mbox_next(struct str *rest, struct buf *out);
/* Without the "From sender date" line that a single message may carry from a mailbox. */
struct str mbox_line_dropped(struct str message);

#endif
