/*
 * entry: what an LDAP entry says of one account or group, by a shape: its addresses, and what
 * person.h knows beside. Values come from a server and may be anything: what is no mail address is
 * passed over.
 *
 * An address may stand as `smtp:jean@…` (Active Directory's proxyAddresses): in capitals it is the
 * official one. Another prefix (x500:, sip:) is no mail address.
 */
#ifndef POTERNE_DIRECTORY_LDAP_ENTRY_H
#define POTERNE_DIRECTORY_LDAP_ENTRY_H

#include "directory/address.h"
#include "directory/ldap/shape.h"
#include "directory/person.h"

#define LDAP_ADDRESSES_MAX 1000 /* of one entry; further ones are passed over */
#define LDAP_WRITERS_MAX   100  /* named by their entries; further ones are not looked for */

struct ldap_attribute {
    struct str name; /* with its options: "member;range=0-1499" */
    struct str *values;
    size_t n;
    size_t all; /* values that the server gave out, of which n are here */
};

struct ldap_entry {
    struct ldap_attribute *attributes;
    size_t n;
};

struct ldap_who {
    struct address *addresses; /* in pool; the first is the official one; none twice */
    size_t n;
    struct person person; /* texts in pool; without an address and without PERSON_ALIAS */
    /* Those who may write to a group are often entries of the directory (Active Directory's
     * authOrig): their names, for writers.h. */
    struct str *writers;
    size_t n_writers;
};

/* One more address for a list in one text of at most PERSON_LIST_MAX bytes; false: no room. */
bool ldap_list_add(struct buf *list, struct str address);
/* 0, also for an entry without any address (n is 0); -1: out of memory. */
int ldap_entry_read(const struct ldap_shape *shape, const struct ldap_entry *entry,
                    struct pool *pool, struct ldap_who *who);

#endif
