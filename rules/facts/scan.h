/*
 * scan: what stands at a place in a text, a piece at a time, for small fixed syntaxes such as
 * dates. Each takes the place and gives the one behind; STR_NONE when that does not stand there, or
 * when the place is STR_NONE already, so that calls follow each other without being looked at.
 */
#ifndef POTERNE_RULES_SCAN_H
#define POTERNE_RULES_SCAN_H

#include "base/ascii.h"
#include "base/str.h"

static inline size_t scan_char(struct str x, size_t at, char c)
{
    return at < x.n && x.s[at] == c ? at + 1 : STR_NONE;
}

/* As many digits as stand there, if those are so many. */
static inline size_t scan_digits(struct str x, size_t at, size_t least, size_t most)
{
    size_t end = at;
    while (end < x.n && ascii_is_digit(x.s[end]))
        end++;
    return at < x.n && end - at >= least && end - at <= most ? end : STR_NONE;
}

/* One of some names of three letters, which stand behind each other in `names`. */
static inline size_t scan_name(struct str x, size_t at, const char *names)
{
    for (; at < x.n && x.n - at >= 3 && *names; names += 3) {
        if (memcmp(x.s + at, names, 3) == 0)
            return at + 3;
    }
    return STR_NONE;
}

/* All that is no white space, one byte at least. */
static inline size_t scan_word(struct str x, size_t at)
{
    size_t end = at;
    while (end < x.n && !ascii_is_space(x.s[end]))
        end++;
    return at < x.n && end > at ? end : STR_NONE;
}

#endif
