/*
 * header: the fields at the head of a part, read tolerantly (RFC 5322 2.2, 4.5).
 * A line that is no field is skipped when fields go on soon after it, as most readers do, else
 * the body starts there.
 */
#ifndef POTERNE_MAIL_HEADER_H
#define POTERNE_MAIL_HEADER_H

#include "mail/boundary.h"
#include "mail/message.h"

/* Lines that are no field are skipped when a likely field follows within so many lines. */
#define HEADER_JUNK_LINES 16

/* Position behind the line that starts at `at`, its line end included. */
static inline size_t line_after(struct str text, size_t at)
{
    const char *lf = memchr(text.s + at, '\n', text.n - at);
    return lf ? (size_t)(lf - text.s) + 1 : text.n;
}

/* The line without its LF or CR LF. */
static inline struct str line_between(struct str text, size_t at, size_t after)
{
    struct str line = str_sub(text, at, after);
    if (line.n && line.s[line.n - 1] == '\n')
        line.n--;
    if (line.n && line.s[line.n - 1] == '\r')
        line.n--;
    return line;
}

/*
 * Reads the header that starts at `at` into part->head, headers and anomalies. Sets *body to
 * where the body starts, which is a delimiter's line when one of `open` ends the header.
 * -1: the pool is used up.
 */
int header_read(struct pool *pool, struct str text, size_t at, const struct mail_limits *limits,
                const struct boundaries *open, struct part *part, size_t *body, struct err *err);

/* Length of the field name (RFC 5322 ftext) that the line starts with, blanks and a colon behind
 * it; 0: the line is no field. *colon is set to the colon's position. */
size_t header_name(struct str line, size_t *colon);

#endif
