/*
 * uri_clean: the forms of a link that rules are tried on, as SpamAssassin makes them (Util.pm,
 * RegistryBoundaries.pm of 4.0.1): escapes undone, a scheme put in front, the host without tricks
 * and as an address, what it redirects to.
 */
#ifndef POTERNE_RULES_URI_CLEAN_H
#define POTERNE_RULES_URI_CLEAN_H

#include "rules/facts/facts.h"
#include "rules/facts/uris.h"

#define URI_TARGETS_MAX 16 /* redirections behind one another */

struct uri_forms {
    struct facts *facts;
    struct str list[FACT_CLEANED_MAX]; /* each once; the raw form is the first */
    size_t n;
    struct str targets[URI_TARGETS_MAX]; /* where it redirects to, which is cleaned like it */
    size_t n_targets;
    bool truncated; /* there were more */
    bool no_memory;
};

void uri_clean(struct uri_forms *forms, struct str raw);

/* With the escapes of printable ASCII undone and what must be escaped so; in the pool. .s NULL: no
 * memory. */
struct str uri_unescape(struct pool *pool, struct str uri);
bool uri_has_escape(struct str uri);

/* The host of a link as it stands, in lower case, in the pool: its name must exist, or it is an
 * address. False: it has none. *domain is a part of it. */
bool uri_to_host(struct facts *facts, struct str uri, struct str *host, struct str *domain);

#endif
