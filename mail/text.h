/*
 * text: what a reader sees of a message, and what the rules look at.
 * Made once for a message and shared by rules and Bayes. Bounded by the limits below: what lies
 * beyond is left out and `truncated` is set.
 */
#ifndef POTERNE_MAIL_TEXT_H
#define POTERNE_MAIL_TEXT_H

#include "mail/message.h"

#define TEXT_PART_MAX  (512 * 1024)  /* decoded bytes taken of one text part */
#define TEXT_TOTAL_MAX (2048 * 1024) /* of all text parts together */
#define TEXT_URIS_MAX  2000

enum uri_source { URI_TEXT, URI_HREF, URI_IMG, URI_FORM, URI_OTHER };

struct uri {
    struct str text;   /* as found */
    struct str clean;  /* decoded (%xx, HTML entities), scheme and host in lower case */
    struct str host;   /* lower case, no port, no user; may be empty (mailto has the domain) */
    struct str domain; /* registrable domain by the public suffix list; may be empty */
    struct str anchor; /* visible text of the link, when from HTML */
    enum uri_source source;
};

struct html_facts {
    bool present;
    size_t text_visible;   /* bytes */
    size_t text_invisible; /* hidden by style, colour, size, attributes */
    unsigned images;
    unsigned links;
    unsigned forms;
    unsigned scripts;
    unsigned comments;
    unsigned bad_tags;
    unsigned links_misleading; /* anchor text shows another host than the href */
};

struct mail_text {
    struct str subject; /* header_text of Subject; empty if there is none */
    struct str
        *paragraphs; /* rendered visible text, UTF-8, white space folded; [0] is the subject */
    size_t n_paragraphs;
    struct str *rawbody; /* decoded text parts, not rendered, charset untouched, in chunks */
    size_t n_rawbody;
    struct str invisible; /* hidden text of the HTML parts */
    struct uri *uris;     /* each clean form once */
    size_t n_uris;
    struct html_facts html;
    bool truncated;
};

/* -1 only when the pool is used up. */
int mail_text_make(struct pool *pool, const struct message *message, struct mail_text **text,
                   struct err *err);

#endif
