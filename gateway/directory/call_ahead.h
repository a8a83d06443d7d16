/*
 * call_ahead: asks a domain's next hop whether it would take mail for an address: SMTP or LMTP up
 * to RCPT, with the null sender, and never DATA. The ops of directory/source.h.
 *
 * A 2xx to RCPT is a YES, a 5xx a NO (with 5.2.1 or 5.2.2 a YES: disabled, full); a 4xx, a 5xx
 * before RCPT, and all else says nothing. Many servers take any RCPT and refuse later: try it with
 * an address that is not there.
 */
#ifndef POTERNE_GATEWAY_DIRECTORY_CALL_AHEAD_H
#define POTERNE_GATEWAY_DIRECTORY_CALL_AHEAD_H

#include "directory/source.h"

#define CALL_AHEAD_PROBES 50 /* on one connection, then a new one */

extern const struct source_ops call_ahead_ops;

#endif
