/*
 * rendered: the text of each leaf of the MIME tree, as SpamAssassin renders it (Message/Node.pm of
 * 4.0.1): plain text in UTF-8, HTML as html_render.h makes text of it.
 */
#ifndef POTERNE_RULES_RENDERED_H
#define POTERNE_RULES_RENDERED_H

#include "rules/facts/html_render.h"

struct rendered_leaf {
    struct fact_part *part;
    bool is_text;               /* else there is nothing in it to be shown */
    struct rendered_html shown; /* of plain text: nothing hidden */
};

struct rendered {
    struct rendered_leaf *list; /* all leaves that have a type */
    size_t n;
    struct html_docs docs;
};

const struct rendered *facts_rendered(struct facts *facts);

#endif
