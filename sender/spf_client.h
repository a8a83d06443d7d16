/*
 * spf_client: the client's address as SPF looks at it: is it in a network, and which names does it
 * have (RFC 7208 5.5)?
 */
#ifndef POTERNE_SENDER_SPF_CLIENT_H
#define POTERNE_SENDER_SPF_CLIENT_H

#include <arpa/inet.h>

#include "sender/spf.h"

struct spf_client {
    int family;                /* AF_INET or AF_INET6; ::ffff:a.b.c.d is AF_INET */
    unsigned char address[16]; /* AF_INET: the first 4 */
    char dotted[64];           /* %{i}: 192.0.2.1, or 32 digits with dots between */
    char readable[INET6_ADDRSTRLEN];
    bool asked;                      /* for its names */
    struct str names[SPF_NAMES_MAX]; /* that the DNS gives it and that lead back to it */
    size_t n_names;
};

/* False: no address. */
bool spf_client_read(struct spf_client *client, struct str ip);
/* address: 4 or 16 bytes; of the other family it is never in it. */
bool spf_client_is_in(const struct spf_client *client, struct str address, unsigned prefix);
/* Whether one of its names is `domain` or below it. What the DNS does not answer is no name. */
bool spf_client_is_named(struct spf_client *client, struct str domain, const struct dns_source *dns,
                         struct pool *pool);
/* %{p}: the name that fits best, or "unknown". */
struct str spf_client_name(struct spf_client *client, struct str domain,
                           const struct dns_source *dns, struct pool *pool);

#endif
