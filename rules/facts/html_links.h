/*
 * html_links: the links of one HTML part as SpamAssassin keeps them (HTML.pm of 4.0.1): by their
 * address, which a <base> makes absolute (RFC 3986 5.2), with the elements that name it.
 */
#ifndef POTERNE_RULES_HTML_LINKS_H
#define POTERNE_RULES_HTML_LINKS_H

#include "rules/facts/html_facts.h"

#define HTML_LINKS_MAX      10000 /* of a part; more are left out, and "truncated" is set */
#define HTML_LINK_BYTES_MAX (16 * 1024 * 1024) /* of all of them together, each time one comes */
#define HTML_ANCHORS_MAX    10000              /* texts of anchors of a part */

struct html_links {
    struct pool *pool;
    struct html_link *list;
    size_t n, cap, bytes;
    uint32_t *slots; /* hash table of number + 1 */
    size_t n_slots;
    struct str base;
    bool truncated;
    bool no_memory;
};

/* Without blanks at both ends, and cut to what SpamAssassin keeps. */
struct str html_link_trim(struct html_links *links, struct str uri);
/* Adds what an element of that type names. */
void html_links_add(struct html_links *links, unsigned type, struct str uri);
/* The same for <base>, which later links are relative to. */
void html_links_base(struct html_links *links, struct str uri);
/* The link with just that address, which anchor `anchor` begins to have a text for. */
void html_links_anchor(struct html_links *links, struct str uri, size_t anchor);

#endif
