/* parts_lines: lines of a message, as SpamAssassin tells them apart (Message.pm of 4.0.1). */
#ifndef POTERNE_RULES_PARTS_LINES_H
#define POTERNE_RULES_PARTS_LINES_H

#include "base/pool.h"

#define BLANK_LINES_MAX 20 /* in a row; more are left out */

/* Position behind the line that starts at `at`. */
static inline size_t line_after(struct str text, size_t at)
{
    const char *lf = at < text.n ? memchr(text.s + at, '\n', text.n - at) : NULL;
    return lf ? (size_t)(lf - text.s) + 1 : text.n;
}

/* Lines in the text; a last one without a line end counts. */
size_t lines_count(struct str text);
/* White space and nothing else? */
bool lines_is_blank(struct str line);
/* Does a field's name and a colon begin the line? `blanks`: with blanks between them, too. */
bool lines_is_field(struct str line, bool blanks);
/* "--", the boundary, perhaps "--", blanks. */
bool lines_is_delimiter(struct str line, struct str boundary, bool *closing);
/* Does the first or the last line end with CR LF? */
bool lines_is_crlf(struct str text);
/* Without the line "From …" that begins a message in a mailbox file. */
struct str lines_without_mailbox(struct str text);

/* Without the middle of long runs of blank lines; the text itself when there are none.
 * .s NULL: no memory. */
struct str lines_squeeze(struct pool *pool, struct str text);
/* With `times` line ends behind each `max` bytes of a longer line; likewise. */
struct str lines_cut(struct pool *pool, struct str text, size_t max, unsigned times);

#endif
