/*
 * ours: is a message our own, so that it is sent in the name of its author's domain? What we write
 * ourselves is, what somebody brings who has proved who he is (RFC 3848: "A" in the protocol), and
 * what comes from the networks of gate.inside.
 */
#ifndef POTERNE_GATEWAY_GATE_OURS_H
#define POTERNE_GATEWAY_GATE_OURS_H

#include "gateway/gate/networks.h"

#define OURS_LOCAL "local" /* protocol of what we write ourselves */

/* Somebody brought it who had logged in. */
bool ours_logged_in(struct str protocol);
/* Our own people brought it: they had logged in, or come from gate.inside. */
bool ours_brought(const struct networks *inside, struct str protocol, struct str client_ip);
bool ours_is(const struct networks *inside, struct str protocol, struct str client_ip);

#endif
