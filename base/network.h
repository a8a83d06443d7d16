/*
 * network: a range of IP addresses as settings write it: "10.0.0.0/8", "2001:db8::/32", or a single
 * address. An IPv4 address that is written within IPv6 (::ffff:192.0.2.1) is the IPv4 address.
 */
#ifndef POTERNE_BASE_NETWORK_H
#define POTERNE_BASE_NETWORK_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/str.h"

#define NETWORK_BYTES        16
#define NETWORK_REVERSE_SIZE 64 /* 32 nibbles, the dots between them, NUL */

struct network {
    unsigned char address[NETWORK_BYTES]; /* IPv6, or IPv4 as ::ffff:a.b.c.d */
    unsigned prefix;                      /* bits that count, of 128 */
};

/* False when it is none, or has bits set behind its prefix. */
bool network_parse(struct str text, struct network *network);
/* False too when `ip` is no address. */
bool network_holds(const struct network *network, struct str ip);

/* "4.3.2.1", or 32 nibbles with dots between them (RFC 1035 3.5, RFC 3596 2.5), of an address in
 * network order: n is 4 or 16. Returns its length. */
size_t network_reverse(const unsigned char *address, size_t n, char out[NETWORK_REVERSE_SIZE]);
/* The address that the text is (without brackets), for connect() and its like. Returns its length;
 * 0: it is none. */
socklen_t network_sockaddr(struct str ip, uint16_t port, struct sockaddr_storage *address);

#endif
