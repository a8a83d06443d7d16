/*
 * shape: how people stand in an LDAP directory: which filters find them, and which attributes say
 * what. A preset is that of a usual directory; each setting of section ldap takes the place of what
 * it says, and "-" takes it away. poterne.conf(5) has the presets in full.
 */
#ifndef POTERNE_DIRECTORY_LDAP_SHAPE_H
#define POTERNE_DIRECTORY_LDAP_SHAPE_H

#include "base/conf.h"
#include "base/pool.h"

#define SHAPE_ATTRIBUTES_MAX 96

struct ldap_shape {
    const char *filter; /* of one address */
    const char *people; /* of all */
    /* attributes; NULL: there is none */
    const char *address, *quota_used, *quota_limit, *identities, *redirect, *members, *writers;
    struct conf_list aliases;
    /* tests: attribute=value, attribute&bits, attribute */
    struct conf_list disabled, enabled, groups, closed, redirect_keep;
    size_t quota_unit;
    unsigned group_size_limit;
    bool rewrite;
    /* All of them, for a search; ends with NULL. */
    const char *attributes[SHAPE_ATTRIBUTES_MAX + 1];
};

/* Texts are those of `conf`, of the presets, or in pool. -1: out of memory, err. */
int ldap_shape_make(const struct conf_ldap *conf, struct pool *pool, struct ldap_shape *shape,
                    struct err *err);

#endif
