/*
 * lists: the DNS lists of the settings (sections list, RFC 5782): how a client is looked up in one,
 * and which of them can be believed. Each must hold 127.0.0.2 and not 127.0.0.1 (RFC 5782 5; IPv6:
 * ::ffff:127.0.0.2 and .1): a list that is dead, refuses us or holds everybody is left out until it
 * answers rightly again. They are looked at when edge starts, and every few minutes.
 */
#ifndef POTERNE_GATEWAY_EDGE_LISTS_H
#define POTERNE_GATEWAY_EDGE_LISTS_H

#include "base/conf.h"
#include "gateway/resolver/desk.h"

#define LISTS_CHECK_EVERY 300 /* seconds, of one that serves */
#define LISTS_CHECK_SOON  30  /* of one that does not */

struct lists;
/* The settings and the desk outlive it. NULL: out of memory. */
struct lists *lists_open(const struct conf *conf, struct dns_desk *desk);
void lists_close(struct lists **lists);
/* Once a second. */
void lists_tick(struct lists *lists);
/* Can it be asked about an address of that kind (four: IPv4)? */
bool lists_serves(const struct lists *lists, size_t list, bool four);

#define LISTS_NAME_SIZE (DNS_NAME_MAX + 1)

/* "2.0.0.127.ZONE", of IPv6 the nibbles; with the zone in-addr.arpa or ip6.arpa where it is NULL:
 * the name that PTR is asked for. Of ::ffff:127.0.0.2 as IPv6 as it stands. *four: it is IPv4.
 * False: no address, or too long. */
bool lists_name(const char *ip, const char *zone, char out[LISTS_NAME_SIZE], bool *four);
/* Does the answer say "listed"? */
bool lists_says_listed(const struct conf_dns_list *list, const struct resolver_answer *answer);

#endif
