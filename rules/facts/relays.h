/*
 * relays: the way that a message came, read out of its Received fields as SpamAssassin 4.0.1 does
 * (Message/Metadata/Received.pm), and how far it can be trusted. Texts live in the pool or point
 * into the message. The newest relay comes first in every list.
 * Limits: RELAYS_MAX fields are read, RELAYS_WORK_MAX steps are taken on all of them together;
 * beyond, a field counts as one that can't be read, and `limited` is set.
 */
#ifndef POTERNE_RULES_RELAYS_H
#define POTERNE_RULES_RELAYS_H

#include "rules/facts/facts.h"

#define RELAYS_MAX      2000
#define RELAYS_WORK_MAX (2 * 1000 * 1000)

struct relay {
    struct str ip; /* without "IPv6:", scope and the prefix of a mapped IPv4 */
    struct str rdns, helo, by, ident, id, auth;
    struct str envfrom; /* .s NULL: the field names none */
    struct str text; /* "[ ip=… rdns=… helo=… by=… ident=… envfrom=… intl=… id=… auth=… msa=… ]" */
    bool ip_private;
    bool no_reverse_dns; /* the server looked for a name and found none */
    bool internal, msa;
};

struct relay_list {
    const struct relay **list;
    size_t n;
    struct str text; /* their texts with blanks between: X-Spam-Relays-… */
};

struct relays {
    struct relay_list trusted, untrusted, internal, external;
    size_t n_unparseable;
    long last_trusted, last_internal; /* number of a Received field, from the top; -1: none */
    bool limited;
};

const struct relays *facts_relays(struct facts *facts);
/* They were asked for, and a limit cut them. */
bool relays_limited(const struct facts *facts);

#endif
