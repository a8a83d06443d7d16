/*
 * wanted: to whom the report about a domain goes: what its record says, and, of a DMARC report to
 * another organization, whether that one wants it (RFC 9990 4).
 */
#ifndef POTERNE_GATEWAY_REPORTS_WANTED_H
#define POTERNE_GATEWAY_REPORTS_WANTED_H

#include "base/err.h"
#include "sender/dns.h"
#include "tally/rua.h"

enum wanted { WANTED, WANTED_NOT, WANTED_UNKNOWN };

/*
 * WANTED: the list is not empty. WANTED_NOT: why is why. WANTED_UNKNOWN: the DNS does not say now,
 * and nothing is to be sent to anybody, so that it goes to all at once later; `last`: there is no
 * later, and of whom the DNS says nothing he has not agreed. Nobody is in the list twice.
 */
enum wanted wanted_by(enum tally_kind kind, struct str domain, const struct dns_source *dns,
                      bool last, struct pool *pool, struct rua_list *list, struct err *why);

#endif
