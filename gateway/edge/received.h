/*
 * received: the trace field that every message gets (RFC 5321 4.4, RFC 3848).
 */
#ifndef POTERNE_GATEWAY_EDGE_RECEIVED_H
#define POTERNE_GATEWAY_EDGE_RECEIVED_H

#include "spool/spool.h"

/* Adds "Received: …" with CR LF at its end. `tls` is "TLSv1.3 with cipher X", or empty. The one
 * recipient is named; of several none is, since each would read the others' addresses. */
void received_put(struct buf *out, const struct envelope *envelope, struct str hostname,
                  struct str tls);

#endif
