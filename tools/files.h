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
    char *left_out; /* a folder that was not meant, for telling; NULL: none */
    size_t n_left_out;
};

/* What a folder's name says that it is for. */
enum folder_kind { FOLDER_MAIL, FOLDER_JUNK, FOLDER_TRASH, FOLDER_DRAFTS, FOLDER_SENT };
enum folder_kind folder_kind(const char *name);

/*
 * Which folders inside a Maildir (Maildir++: ".Junk", ".Archives.2025"; or without the dot) are
 * meant with it, by what mail programs call them in English, French, German, Spanish and Italian
 * (RFC 6154 has no names). A folder that is named itself is always meant.
 */
enum files_wanted {
    FILES_ALL,  /* all */
    FILES_HAM,  /* those that are not for junk, trash, drafts, sent mail */
    FILES_SPAM, /* those that are not for drafts, sent mail */
    FILES_SENT, /* those for sent mail; when there is none, the Maildir itself */
};

/* Adds what `path` stands for; hidden files and what is no plain file inside folders is left out.
 */
int file_list_add(struct file_list *list, const char *path, enum files_wanted wanted,
                  struct err *err);
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
/*
 * For mailboxes that are not read whole: where in a piece of one the next separator is, at or
 * behind `from`; STR_NONE: not in this piece, look on from *resume when there is more of it, of
 * which the MBOX_BEFORE bytes before *resume must still be there. whole_begin and whole_end: the
 * piece has the file's beginning, its end.
 */
#define MBOX_BEFORE   3
#define MBOX_LINE_MAX 1000 /* bytes of a separator that count */
size_t mbox_find(struct str text, size_t from, bool whole_begin, bool whole_end, size_t *resume);
/* What stands from one separator to the next, as a message; `out` is emptied before. */
void mbox_message(struct str entry, struct buf *out);
/* Without the "From sender date" line that a single message may carry from a mailbox. */
struct str mbox_line_dropped(struct str message);

#endif
