/*
 * html_parse: HTML cut into events as Perl's HTML::Parser 3.81 cuts it, with marked sections on,
 * which SpamAssassin renders with. It knows no HTML 5: a tag whose quote is never closed swallows
 * the rest, a comment ends at "--" and ">" with blanks between them. mail/html_token.h does it as
 * browsers do. Each byte is looked at a bounded number of times.
 */
#ifndef POTERNE_RULES_HTML_PARSE_H
#define POTERNE_RULES_HTML_PARSE_H

#include "base/str.h"

#define HTML_PARSE_ATTRIBUTES_MAX 64 /* of a tag; later ones are left out */
#define HTML_PARSE_SECTIONS_MAX   64 /* marked sections inside one another */

struct html_attribute {
    struct str name;  /* as written */
    struct str value; /* without quotes, references not decoded; the name where there is none */
};

struct html_tag_event {
    struct str name; /* as written */
    const struct html_attribute *attributes;
    size_t n_attributes;
};

struct html_events {
    /* is_data: character references in it are none */
    void (*text)(void *data, struct str text, bool is_data);
    void (*start)(void *data, const struct html_tag_event *tag);
    void (*end)(void *data, struct str name);
    void (*comment)(void *data, struct str whole);
    void (*declaration)(void *data, struct str whole);
};

void html_parse(struct str html, const struct html_events *events, void *data);

#endif
