/*
 * networks: sets of IP networks as trusted_networks lines write them: "10.0.0.0/8", "10.1" (cut at
 * a byte), "[2001:db8::]/32", "192.0.2.1-192.0.2.9", each with "!" before it to leave it out. The
 * first that holds an address decides, so narrow networks stand before wide ones, as SpamAssassin
 * without Net::Patricia has it. IPv4 is kept as ::ffff:a.b.c.d.
 */
#ifndef POTERNE_RULES_LANGUAGE_NETWORKS_H
#define POTERNE_RULES_LANGUAGE_NETWORKS_H

#include "base/err.h"
#include "base/pool.h"

#define NETWORKS_MAX 10000 /* in one set, which is searched from the first to the last */

struct network {
    unsigned char from[16], to[16]; /* both included */
    bool excluded;
};

struct networks {
    struct network *list;
    size_t n, cap;
};

/* "192.0.2.1", "[192.0.2.1]", "2001:db8::1", "IPv6:…", with a scope "%eth0" or not. */
bool networks_parse_address(struct str text, unsigned char address[16]);
/* One word of a line; -1 with err when it is no network, or memory ran out. */
int networks_add(struct networks *networks, struct pool *pool, struct str word, struct err *err);
bool networks_have(const struct networks *networks, struct str address);
/* Does the text "[192.0.2.0/24]", "[192.0.2.0]/24", "[192.0.2]" or "[2001:db8::1]" hold the
 * address? False when either can't be read. */
bool networks_literal_has(struct str literal, struct str address);

#endif
