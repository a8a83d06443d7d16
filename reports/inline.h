/*
 * inline: what a mail without originals is: one that was forwarded in its text (nothing can be
 * learned from it: the header is gone), or something else. By the marks that mail programs put
 * there, in several languages.
 */
#ifndef POTERNE_REPORTS_INLINE_H
#define POTERNE_REPORTS_INLINE_H

#include "mail/text.h"

enum letter_shape {
    LETTER_EMPTY,  /* no text */
    LETTER_INLINE, /* forwarded in its text */
    LETTER_OTHER   /* somebody writes something */
};

enum letter_language { LETTER_ENGLISH, LETTER_FRENCH };

struct letter {
    enum letter_shape shape;
    enum letter_language language; /* of the writer, by marks and words; English when in doubt */
};

/* Looks at the first LETTER_LOOK bytes of what a reader sees. -1: out of memory. */
#define LETTER_LOOK (64 * 1024)
int letter_read(struct pool *pool, const struct message *report, const struct mail_text *text,
                struct letter *letter, struct err *err);

#endif
