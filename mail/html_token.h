/*
 * html_token: HTML cut into text, tags and comments as browsers cut it (WHATWG HTML 13.2.5),
 * each byte looked at once.
 */
#ifndef POTERNE_MAIL_HTML_TOKEN_H
#define POTERNE_MAIL_HTML_TOKEN_H

#include "base/str.h"

enum html_kind { HTML_TEXT, HTML_OPEN, HTML_CLOSE, HTML_COMMENT, HTML_UNFINISHED };

struct html_token {
    enum html_kind kind;
    struct str text;       /* of text, comment, or an unfinished tag at the end */
    struct str name;       /* of a tag, as written */
    struct str attributes; /* of a tag, for html_attribute() */
};

/* Takes the next token off the front of *rest; false at the end. */
bool html_next(struct str *rest, struct html_token *token);
/* Takes the text before "</name" off the front of *rest (all, when there is none). */
struct str html_raw_text(struct str *rest, struct str name);
/* Takes the next attribute; the value still has its character references. */
bool html_attribute(struct str *attributes, struct str *name, struct str *value);

#endif
