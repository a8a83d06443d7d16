/*
 * text_fold: white space of running text folded as SpamAssassin does it (Message.pm of 4.0.1): an
 * empty line becomes a line end, with one blank for what stood around it; all other white space
 * becomes one blank; NUL becomes a line end.
 */
#ifndef POTERNE_RULES_TEXT_FOLD_H
#define POTERNE_RULES_TEXT_FOLD_H

#include "base/str.h"

struct text_fold {
    /* Unicode's white space counts; else characters up to U+00FF become one byte each, as Perl
     * leaves them */
    bool wide;
    char *out; /* the caller's; as long as all that is added, and one more */
    size_t n;
    /* the white space since the last other character */
    bool space;  /* there is some */
    bool before; /* before its first line end */
    bool after;  /* behind its last line end */
    unsigned line_ends;
};

void text_fold_add(struct text_fold *fold, struct str text); /* UTF-8 */
void text_fold_end(struct text_fold *fold);

/* Position behind the first n characters of UTF-8 text. */
size_t text_skip(struct str x, size_t n);

#endif
