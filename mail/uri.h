/*
 * uri: the links of a message (RFC 3986, and what browsers make of worse: WHATWG URL), each clean
 * form once. Hosts: internationalised names as A-labels (RFC 5890), every spelling of an IPv4
 * address as four decimal numbers, registrable domains by the public suffix list that is built
 * into libpsl.
 */
#ifndef POTERNE_MAIL_URI_H
#define POTERNE_MAIL_URI_H

#include "base/pool.h"
#include "mail/text.h"

#define URI_BYTES_MAX 2048 /* what is longer is cut */
#define URI_TRIES_MAX (8 * TEXT_URIS_MAX)
#define HOST_MAX      253 /* RFC 1035 2.3.4 */

struct uris {
    struct pool *pool;
    struct uri *list;
    size_t n;
    size_t cap;
    uint16_t *slots; /* hash table of list index + 1 */
    unsigned tries;  /* texts looked at, links or not: URI_TRIES_MAX bounds the work */
    bool full;       /* TEXT_URIS_MAX or URI_TRIES_MAX reached: some were left out */
    bool no_memory;  /* the pool is used up: the list is not to be used */
};

/*
 * Adds what is written in `text` (character references decoded): a URI, or with `base` one
 * relative to it. What it redirects to ("?url=http://…") is added too, as URI_OTHER. Returns the
 * index, also of one that was there before; STR_NONE when it is no URI or there is no room.
 */
size_t uris_add(struct uris *uris, struct str text, struct str base, enum uri_source source);

/* Adds all that stand in text, with scheme or without ("www.example.com", "example.com/x"). */
void uris_find(struct uris *uris, struct str text);

/* The host of the first link that stands in text, in out (HOST_MAX + 1); empty: there is none. */
struct str uri_shown_host(struct str text, char *out);

/* Reads the host of a URI's authority: lower case, decoded, A-labels, no user and port. Writes
 * at most HOST_MAX bytes and a NUL; false when it is no host. */
bool uri_host(struct str authority, char *out, size_t *n);
/* The registrable domain of a host as uri_host() makes it; points into it, may be empty. */
struct str uri_domain(const char *host);
/* Is the last label a top-level domain that exists? */
bool uri_tld_exists(const char *host);

#endif
