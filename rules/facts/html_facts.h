/*
 * html_facts: what SpamAssassin notes of an HTML part while it renders it (HTML.pm, Node.pm of
 * 4.0.1): what `html_test`, `html_range`, `html_tag_balance` and the like ask for. Numbers carry
 * SpamAssassin's names; one that was never set is not defined, which is not 0.
 */
#ifndef POTERNE_RULES_HTML_FACTS_H
#define POTERNE_RULES_HTML_FACTS_H

#include "rules/facts/parts.h"

#define HTML_FACTS_DEPTH_MAX 20000 /* open elements whose style is told apart */
#define HTML_FACTS_TAGS_MAX  500   /* names of elements that are told apart */

enum html_number {
    HTML_IS_HTML,            /* "html" */
    HTML_IMAGE_AREA,         /* "image_area": square pixels, as far as width and height say */
    HTML_LENGTH,             /* "length": characters of the source */
    HTML_MIN_SIZE,           /* "min_size": of a font, 1 to 7 and beyond */
    HTML_MAX_SIZE,           /* "max_size" */
    HTML_CLOSED_EXTRA_RATIO, /* "closed_extra_ratio" */
    HTML_BACKHAIR_COUNT,     /* "backhair_count" */
    HTML_BAD_TAG_RATIO,      /* "bad_tag_ratio" */
    HTML_NON_ELEMENT_RATIO,  /* "non_element_ratio" */
    HTML_OBFUSCATION_RATIO,  /* "obfuscation_ratio" */
    HTML_FONT_LOW_CONTRAST,  /* "font_low_contrast" */
    HTML_FONT_INVALID_COLOR, /* "font_invalid_color" */
    HTML_FONT_FACE_BAD,      /* "font_face_bad" */
    HTML_FORM_ACTION_MAILTO, /* "form_action_mailto" */
    HTML_EMBEDS,             /* "embeds" */
    HTML_URI_TRUNCATED,      /* "uri_truncated" */
    HTML_HTML_LENGTH,        /* "html_length": characters of the rendered text */
    HTML_NON_SPACE_LEN,      /* "non_space_len" */
    HTML_RATIO,              /* "ratio" */
    HTML_NUMBERS,
};

enum html_texts {
    HTML_COMMENTS, /* "comment": whole, with "<!--" and "-->" */
    HTML_SCRIPTS,  /* "script" */
    HTML_TITLES,   /* "title" */
    HTML_ANCHORS,  /* "anchor": text in each <a> */
    HTML_TEXTS,
};

/* How often an element was opened and not closed. One that was seen at all is in the list. */
struct html_inside {
    struct str name; /* lower case */
    long open;
};

/* A link as it stands in the HTML part. */
struct html_link {
    struct str uri;  /* with <base> applied; may be empty */
    unsigned types;  /* of uris.h; 0: only an anchor's text is known */
    size_t *anchors; /* numbers of texts[HTML_ANCHORS] */
    size_t n_anchors, anchors_cap;
};

struct html_doc {
    const struct fact_part *part;
    double numbers[HTML_NUMBERS];
    bool defined[HTML_NUMBERS];
    struct str *texts[HTML_TEXTS];
    size_t n_texts[HTML_TEXTS];
    struct html_inside *inside;
    size_t n_inside;
    struct html_link *links;
    size_t n_links;
    bool truncated; /* a limit was hit: some detail was left out */
};

struct html_docs {
    struct html_doc *list; /* one for each HTML part that is not empty, in order */
    size_t n;
};

const struct html_docs *facts_html(struct facts *facts);

/* By SpamAssassin's name: false when there is no such number or it was never set. */
bool html_doc_number(const struct html_doc *doc, struct str name, double *value);
/* By SpamAssassin's name ("comment", "script", "title", "anchor"); NULL, *n 0: none. */
const struct str *html_doc_texts(const struct html_doc *doc, struct str name, size_t *n);
/* NULL: no such element was seen. */
const struct html_inside *html_doc_inside(const struct html_doc *doc, struct str tag);

#endif
