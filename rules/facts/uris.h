/*
 * uris: the links of a message as SpamAssassin lists them (get_uri_detail_list of 4.0.1): those in
 * the rendered text, those of HTML elements, and where settings ask for it the signing domains and
 * those of attached PDF files.
 * Each raw link stands once; `cleaned` are the forms that `uri` rules are tried on.
 * The order is that of the text, then of the HTML parts (SpamAssassin's is that of a hash).
 */
#ifndef POTERNE_RULES_URIS_H
#define POTERNE_RULES_URIS_H

#include "rules/facts/facts.h"

#define FACT_URI_MAX       8192              /* bytes of a cleaned link; a longer one is cut */
#define FACT_URIS_MAX      5000              /* links of a message; the rest is left out */
#define FACT_URI_BYTES_MAX (4 * 1024 * 1024) /* of all of them, as they stand in the message */
#define FACT_CLEANED_MAX   64                /* forms of one link */

enum fact_uri_type {
    URI_TYPE_A = 1 << 0,
    URI_TYPE_AREA = 1 << 1,
    URI_TYPE_LINK = 1 << 2,
    URI_TYPE_IMG = 1 << 3,
    URI_TYPE_FRAME = 1 << 4,
    URI_TYPE_IFRAME = 1 << 5,
    URI_TYPE_EMBED = 1 << 6,
    URI_TYPE_SCRIPT = 1 << 7,
    URI_TYPE_BGSOUND = 1 << 8,
    URI_TYPE_FORM = 1 << 9,
    URI_TYPE_BASE = 1 << 10,
    URI_TYPE_META = 1 << 11,
    URI_TYPE_BODY = 1 << 12,
    URI_TYPE_TABLE = 1 << 13,
    URI_TYPE_TR = 1 << 14,
    URI_TYPE_TD = 1 << 15,
    URI_TYPE_PARSED = 1 << 16,     /* stands in the text */
    URI_TYPE_DOMAINKEYS = 1 << 17, /* the domain of a signature */
    URI_TYPE_UNLINKED = 1 << 18,   /* mail programs would not make a link of it */
    URI_TYPE_SCHEMELESS = 1 << 19, /* it has no scheme */
};
#define URI_TYPES 20

struct fact_host {
    struct str host;   /* lower case */
    struct str domain; /* below the registry's boundary; an address stands whole */
};

struct fact_uri {
    struct str raw; /* from text with its scheme put in front; from HTML with <base> applied */
    unsigned types;
    struct str *cleaned; /* raw form and canonical ones, each once */
    size_t n_cleaned;
    struct str *anchors; /* texts of the anchors that lead there, each once */
    size_t n_anchors;
    struct fact_host *hosts; /* each once */
    size_t n_hosts;
};

struct fact_uris {
    struct fact_uri *list;
    size_t n;
    struct str *cleaned; /* all cleaned forms of all links, each once: what `uri` rules see */
    size_t n_cleaned;
    bool truncated; /* some link was too long, or there were too many */
};

const struct fact_uris *facts_uris(struct facts *facts);

/* "a", "img", "parsed": the name of the type with that bit number. */
const char *fact_uri_type_name(unsigned bit);

#endif
