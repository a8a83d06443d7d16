/*
 * domain: host and domain names in the one form that is compared and stored: lower case, an
 * internationalised name as A-labels (RFC 5890), no final dot.
 */
#ifndef POTERNE_BASE_DOMAIN_H
#define POTERNE_BASE_DOMAIN_H

#include "base/str.h"

#define DOMAIN_NAME_MAX 253 /* RFC 1035 2.3.4, without the final dot */
#define DOMAIN_SIZE     (DOMAIN_NAME_MAX + 1)

/* Writes the name's form into out; false (and out empty) when it is no domain name: empty or
 * over-long labels, bytes that are not letters, digits, `-`, `_` or a valid U-label. */
bool domain_normal(struct str name, char out[DOMAIN_SIZE]);

/* Is the name that domain, or below it, in any case of letters? ("xa.example" is not below
 * "a.example".) */
static inline bool domain_holds(struct str domain, struct str name)
{
    return str_iends(name, domain) && (name.n == domain.n || name.s[name.n - domain.n - 1] == '.');
}

/* What stands behind the last @ of an address, as it is written; empty: there is no @. */
static inline struct str domain_of_address(struct str address)
{
    size_t at = str_rchr(address, '@');
    return at == STR_NONE ? STR_EMPTY : str_from(address, at + 1);
}

#endif
