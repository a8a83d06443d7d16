/*
 * boundary: the delimiters of the multiparts that are open while a message is read
 * (RFC 2046 5.1.1). A line delimits when it is "--", the boundary, perhaps "--", and then ends or
 * goes on with a blank; blanks at a boundary's own end don't count. Of several that fit, the
 * longest, then the innermost, counts. A table by first byte keeps a line that fits none cheap
 * however many are open.
 */
#ifndef POTERNE_MAIL_BOUNDARY_H
#define POTERNE_MAIL_BOUNDARY_H

#include "base/str.h"

#define BOUNDARIES_MAX 64 /* open at once; one bit each */

struct boundaries {
    struct str text[BOUNDARIES_MAX];
    size_t level[BOUNDARIES_MAX]; /* of the multipart, ascending; it may have several */
    size_t n;
    uint64_t by_first[256]; /* bit i: text[i] starts with that byte */
    uint64_t empty;         /* bit i: text[i] is empty, its delimiter is "--" alone */
};

/* False when BOUNDARIES_MAX are open. */
bool boundaries_push(struct boundaries *b, struct str text, size_t level);
/* Forgets those of that level and deeper ones. */
void boundaries_cut(struct boundaries *b, size_t level);
/* The level that the line (without its line end) delimits, or STR_NONE. */
size_t boundaries_match(const struct boundaries *b, struct str line, bool *closing);

#endif
