/* html_tag: the elements of HTML 4, HTML 5 and old mail programs, and what they do to text. */
#ifndef POTERNE_MAIL_HTML_TAG_H
#define POTERNE_MAIL_HTML_TAG_H

#include "base/str.h"

enum html_tag_flag {
    TAG_PARAGRAPH = 1 << 0, /* parts paragraphs */
    TAG_LINE = 1 << 1,      /* starts a line */
    TAG_CELL = 1 << 2,      /* parts words */
    TAG_VOID = 1 << 3,      /* has no content */
    TAG_RAW = 1 << 4,       /* its content is no markup */
    TAG_UNSEEN = 1 << 5,    /* its content is not shown */
    TAG_CLOSES_P = 1 << 6,  /* ends a paragraph that is open */
    TAG_REPEATS = 1 << 7,   /* ends one of its own kind that is open */
};

struct html_tag {
    const char *name;
    unsigned flags;
};

/* NULL: no such element. */
const struct html_tag *html_tag_find(struct str name);

#endif
