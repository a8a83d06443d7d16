/*
 * helo: names in HELO and EHLO that are certainly wrong. RFC 5321 4.1.4 lets nobody refuse mail
 * because a name does not fit the address; these are no names of the client at all.
 */
#ifndef POTERNE_GATEWAY_GATE_HELO_H
#define POTERNE_GATEWAY_GATE_HELO_H

#include "base/conf.h"

enum helo {
    HELO_FINE,
    HELO_OURS,       /* our host name, or our address, and the client is not this machine */
    HELO_ADDRESS,    /* an address that is not in brackets (RFC 5321 4.1.3) */
    HELO_UNQUALIFIED /* a name without a dot */
};

/* `server` is the address that the client has connected to; empty: not known. Only what
 * gate.helo_refuse names is found. */
enum helo helo_check(const struct conf *conf, struct str name, struct str client,
                     struct str server);

#endif
