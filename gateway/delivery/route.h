/*
 * route: how the servers of a next hop are gone to, as the settings say it: section domain for our
 * own domains, route for some others, outside for the rest. Worked out, and passwords read, before
 * the sandbox closes; then it never changes.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_ROUTE_H
#define POTERNE_GATEWAY_DELIVERY_ROUTE_H

#include "base/conf.h"
#include "gateway/client/login.h"

struct route {
    const struct conf_hops *servers; /* NULL: those that the DNS names (MX) */
    bool ours;                       /* it serves our own domains */
    enum conf_outside_tls tls;
    const char *tls_name; /* of its server's certificate; NULL: the server's own, if it has one */
    const char *helo;
    const char *source4, *source6; /* NULL: any */
    struct login login;            /* .user NULL: nobody logs in */
    /* what stands behind those above */
    struct conf_hops hops;
    char *password; /* LOGIN_PASSWORD_MAX + 1 bytes; NULL: none */
};

struct routes {
    const struct conf *conf;
    struct route outside;
    struct route *named;   /* as conf->routes */
    struct route *domains; /* as conf->domains */
};

/* What conf says must outlive it. NULL with err: a password can't be read, or no memory. */
struct routes *routes_load(const struct conf *conf, struct err *err);
/* Passwords are wiped. */
void routes_free(struct routes **routes);

/* Of a domain that is not ours: that of the longest name among the sections route. */
const struct route *route_for(const struct routes *routes, struct str domain);
/* They are gone to in the same way: one line before them may serve both. */
bool route_same(const struct route *a, const struct route *b);
/* Some of them may be gone to over TLS; come from an address of our choice. */
bool routes_use_tls(const struct routes *routes);
/* What other domains have published of TLS is held to somewhere. */
bool routes_use_policies(const struct routes *routes);
bool routes_use_source(const struct conf *conf);

#endif
