/*
 * ip: IP addresses as they stand in header text (RFC 4291 2.2, RFC 5321 4.1.3), in the bounds that
 * SpamAssassin sets them (Constants.pm of 4.0.1): where one begins and ends, and whose it is.
 */
#ifndef POTERNE_RULES_IP_H
#define POTERNE_RULES_IP_H

#include "base/str.h"

/* Bytes of the address ("192.0.2.1", "2001:db8::1", "IPv6:…") that stands at `at`; 0: none. */
size_t ip_at(struct str text, size_t at);
/* As above, for one that stands for this machine, or "localhost" and its like. */
size_t ip_localhost_at(struct str text, size_t at);
/* The first address in the text; .s NULL: none. */
struct str ip_find(struct str text);
/* The whole text is a dotted quad. */
bool ip_is_v4(struct str text);
/* It begins as an address that no host on the Internet has: 10/8, 127/8, fe80::/10, ::1 … */
bool ip_is_private(struct str text);
/* "4.3.2.1", or 32 nibbles with dots between, in out (80 bytes); empty when it is no address. */
struct str ip_reverse(struct str text, char out[80]);

#endif
