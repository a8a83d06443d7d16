/*
 * policy: how a server of another domain is gone to, decided from what the settings ask for, what
 * its domain has published, and what the sender asked for (RFC 8689). Pure: a table of facts, no
 * questions. From the top, the first that is there decides:
 *
 *   tls = none         never TLS, whatever the domain has published
 *   TLS-Required: No   as the settings say: what does not hold is what the recipient's domain has
 *                      published (RFC 8689 3), not what our own administrator demands
 *   TLSA records       TLS must be, with a key that they name (RFC 7672); where none of them is
 *                      usable, TLS must be, and what stands below decides whether it proves
 * anything MTA-STS, enforce   TLS must be, and the certificate be valid for the server (RFC 8461 4)
 *   REQUIRETLS         likewise; the name, too, must be proved, by DNSSEC or MTA-STS (RFC 8689
 *                      4.2.1: client.h)
 *   MTA-STS, testing   as the settings say; what would be wrong is told in reports
 *   tls = verify       TLS must be, and the certificate be valid for the server
 *   tls = must         TLS must be
 *   tls = may          TLS where it is offered and works
 */
#ifndef POTERNE_GATEWAY_DELIVERY_POLICY_H
#define POTERNE_GATEWAY_DELIVERY_POLICY_H

#include "base/conf.h"
#include "gateway/client/client.h"
#include "gateway/client/proof.h"
#include "gateway/delivery/sts_policy.h"

enum policy_kind { POLICY_NONE, POLICY_TLSA, POLICY_STS };

/* What the sender asked for (RFC 8689). */
enum policy_asked {
    ASKED_NOTHING,
    ASKED_WAIVED,  /* TLS-Required: No: rather without proof than not at all */
    ASKED_REQUIRED /* REQUIRETLS: over TLS to who proves to be right, or not at all */
};

struct policy_facts {
    enum policy_asked asked;
    enum conf_outside_tls tls;
    const char *name;        /* of the server; NULL: it has none */
    const struct tlsa *tlsa; /* NULL: none */
    enum sts_mode sts;       /* NONE: no policy, or one that says so */
    bool tls_fails;          /* it did not work there lately */
};

struct policy {
    enum policy_kind kind; /* whose demand it is */
    enum client_tls tls;
    enum proof_kind proof;     /* that is looked for … */
    enum proof_kind otherwise; /* PROOF_DANE with records that turn out to be unusable */
    bool required;             /* … and without which nothing is sent */
    const char *because;       /* why it must be so, for people; NULL: it need not */
    bool by_sender;            /* … and it is the sender alone who asks for that */
};

struct policy policy_decide(const struct policy_facts *facts);
/* What protects a connection that came about by it: "DANE verified", NULL: nothing was proved that
 * was asked for. */
const char *policy_protection(const struct policy *policy, const struct proof *proof);

#endif
