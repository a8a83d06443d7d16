/*
 * session: a connection to one of an LDAP directory's servers (libldap), made when it is needed and
 * kept. Servers are tried in the order of the settings; one that failed is passed over for
 * LDAP_SERVER_REST seconds while another answers. Certificates are checked, with the server's name;
 * referrals are not followed. Every step has the time limit of the settings.
 */
#ifndef POTERNE_DIRECTORY_LDAP_SESSION_H
#define POTERNE_DIRECTORY_LDAP_SESSION_H

#include <ldap.h>

#include "directory/ldap/entry.h"

#define LDAP_SERVER_REST  30
#define LDAP_PASSWORD_MAX 1024
#define LDAP_MESSAGE_MAX  ((size_t)64 * 1024 * 1024) /* one that a server sends */
/* Of one attribute: values, and bytes of all of them. Further ones are only counted. */
#define LDAP_VALUES_MAX   10000
#define LDAP_VALUES_BYTES ((size_t)512 * 1024)

/* What all connections of a directory share; made before the sandbox closes. */
struct ldap_site {
    const struct conf_ldap *conf;
    struct pool *pool;
    struct ldap_shape shape;
    char password[LDAP_PASSWORD_MAX];
    /* Of each server: monotonic seconds. Threads write it without a lock (accesses are atomic):
     * what is lost is one try. */
    int64_t rest_until[16];
};

/* Reads the password. NULL with err. */
struct ldap_site *ldap_site_new(const struct conf_ldap *conf, struct err *err);
void ldap_site_free(struct ldap_site **site);
/* Once in a process, before its sandbox closes: no settings from elsewhere (ldap.conf). */
void ldap_prepare(void);

struct ldap_session {
    struct ldap_site *site;
    LDAP *ld;           /* NULL: not connected */
    const char *server; /* to which, or which was tried last */
    /* Another with each connection: the next may have the place of this `ld`. */
    uint64_t generation;
};

struct ldap_query {
    const char *base; /* the name of the one entry to look at; NULL: all below the site's */
    const char *filter;
    LDAPControl **controls; /* NULL: none */
    int limit;              /* of entries; 0: none */
};

/* Connects if need be, tries once more if a kept connection turns out to be dead. 0: *result must
 * be freed with ldap_msgfree(), and is NULL where there is no entry of that name; -1: err, and the
 * connection is closed where it can't be used. */
int ldap_session_search(struct ldap_session *session, const struct ldap_query *query,
                        LDAPMessage **result, struct err *err);
void ldap_session_close(struct ldap_session *session);
/* The entry's attributes, copied into pool. -1: err; it is larger than the pool, malformed, or
 * there is no memory for it. An attribute without values is none of these. */
int ldap_session_entry(struct ldap_session *session, LDAPMessage *message, struct pool *pool,
                       struct ldap_entry *entry, struct err *err);

#endif
