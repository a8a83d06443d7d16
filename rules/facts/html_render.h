/*
 * html_render: the text of an HTML part as SpamAssassin renders it, and what it notes by the way
 * (HTML.pm of 4.0.1).
 */
#ifndef POTERNE_RULES_HTML_RENDER_H
#define POTERNE_RULES_HTML_RENDER_H

#include "rules/facts/html_facts.h"

/* Hidden text: [from, to) of the rendered text. */
struct hidden_range {
    size_t from, to;
};

struct rendered_html {
    struct str text; /* UTF-8 */
    bool wide;       /* it has characters above U+00FF, or came decoded */
    struct hidden_range *hidden;
    size_t n_hidden;
};

/*
 * html: UTF-8 that lives as long as the pool; `wide`: it was decoded from a charset; `size`: bytes
 * before that. Fills doc. False: the pool is used up.
 */
bool html_render_part(struct pool *pool, struct str html, bool wide, size_t size,
                      struct html_doc *doc, struct rendered_html *rendered);

#endif
