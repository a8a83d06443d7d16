/*
 * filter: an LDAP search filter (RFC 4515) for one address. The address comes from whoever speaks
 * SMTP with us: every byte of it that is not plainly harmless is escaped.
 */
#ifndef POTERNE_DIRECTORY_LDAP_FILTER_H
#define POTERNE_DIRECTORY_LDAP_FILTER_H

#include "base/buf.h"
#include "directory/address.h"

#define LDAP_FILTER_MAX 16384

/* The value as it stands behind `=` in a filter: letters, digits and `@.-_+` of ASCII as they are,
 * every other byte as \xx (RFC 4515 section 3). */
void ldap_filter_value(struct buf *out, struct str value);

/* The template with %a as the address, %u its local part, %d its domain, %% as %; nothing else is
 * touched. */
void ldap_filter_make(struct buf *out, const char *template, const struct address *address);

#endif
