/*
 * network: a range of IP addresses as settings write it: "10.0.0.0/8", "2001:db8::/32", or a single
 * address. An IPv4 address that is written within IPv6 (::ffff:192.0.2.1) is the IPv4 address.
 */
#ifndef POTERNE_BASE_NETWORK_H
#define POTERNE_BASE_NETWORK_H

#include <stdint.h>

#include "base/str.h"

#define NETWORK_BYTES 16

struct network {
    unsigned char address[NETWORK_BYTES]; /* IPv6, or IPv4 as ::ffff:a.b.c.d */
    unsigned prefix;                      /* bits that count, of 128 */
};

/* False when it is none, or has bits set behind its prefix. */
bool network_parse(struct str text, struct network *network);
/* False too when `ip` is no address. */
bool network_holds(const struct network *network, struct str ip);

#endif
