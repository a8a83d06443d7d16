/*
 * reporter: who sent a report about a day, as DKIM proves. RFC 8460 3: a TLS report that comes by
 * mail must bear a signature of the domain that reports, which covers all of it (no l=), and is to
 * be ignored else. Which domain that is, the report's words may lie about, and so may From: what
 * counts is a signature that passes, whose domain is that of From, above it or below it, and what
 * is kept is the organization that signed, never what the words say. No key is asked to have
 * s=tlsrpt, which the RFC leaves to us: most have not.
 */
#ifndef POTERNE_GATEWAY_REPORTS_REPORTER_H
#define POTERNE_GATEWAY_REPORTS_REPORTER_H

#include "base/domain.h"
#include "mail/message.h"

/* The one address in the one From field; empty: none or several, which could be meant for different
 * readers. It lives in the pool. */
struct str reporter_author(struct pool *pool, const struct message *message);
/* evidence: JSON of what was found out when it came in; author: an address. The organization's
 * domain, in normal form; false (and empty): nobody's. */
bool reporter_find(struct str evidence, struct str author, char signer[DOMAIN_SIZE]);

#endif
