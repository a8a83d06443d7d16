/*
 * links: the hosts of a message's links that lists are asked for, most telling first: those of
 * anchors with a text, of forms, of pictures, of other elements, of the plain text, of anchors
 * without one; without those that uridnsbl_skip_domain names; at most uridnsbl_max_domains.
 */
#ifndef POTERNE_RULES_NETWORK_LINKS_H
#define POTERNE_RULES_NETWORK_LINKS_H

#include "rules/facts/uris.h"

#define LINKS_MAX 200 /* hosts, whatever uridnsbl_max_domains says */

struct links {
    struct fact_host *list;
    size_t n;
};

/* Made once for a message. NULL: no memory. */
const struct links *network_links(struct facts *facts);

#endif
