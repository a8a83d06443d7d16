/*
 * proof: who a server must show to be when TLS begins, and whether it did: by its TLSA records
 * (DANE, RFC 7672), or by a certificate that a trusted authority gave to its name (RFC 9525, as
 * MTA-STS asks for: RFC 8461 4.1). Nothing breaks off a handshake: what it showed is looked at
 * afterwards, before anything is said over it.
 */
#ifndef POTERNE_GATEWAY_CLIENT_PROOF_H
#define POTERNE_GATEWAY_CLIENT_PROOF_H

#include <openssl/ssl.h>

#include "gateway/client/tlsa.h"

enum proof_kind {
    PROOF_NONE, /* nobody is asked who he is */
    PROOF_PKIX,
    PROOF_DANE
};

/* What it points to outlives the connection. */
struct proof_wanted {
    enum proof_kind kind;
    enum proof_kind
        otherwise;    /* where no TLSA record is usable: PROOF_PKIX where that is required */
    bool required;    /* without it nothing is sent */
    const char *name; /* of the server: asked for (SNI), and to be in the certificate. NULL: none */
    const char *domain;      /* DANE-TA: whose mail it is, which may be there instead; NULL: none */
    const struct tlsa *tlsa; /* PROOF_DANE */
    bool name_proved;        /* nobody on the way can have chosen the name */
};

/* What went wrong, as RFC 8460 4.3 counts it. */
enum proof_fault {
    FAULT_NONE,
    FAULT_STARTTLS_NOT_SUPPORTED,
    FAULT_CERTIFICATE_HOST_MISMATCH,
    FAULT_CERTIFICATE_EXPIRED,
    FAULT_CERTIFICATE_NOT_TRUSTED,
    FAULT_VALIDATION_FAILURE,
    FAULT_TLSA_INVALID,
    FAULT_DNSSEC_INVALID,
    FAULT_DANE_REQUIRED,
    FAULT_STS_POLICY_FETCH_ERROR,
    FAULT_STS_POLICY_INVALID,
    FAULT_STS_WEBPKI_INVALID
};
const char *proof_fault_name(enum proof_fault fault); /* "certificate-host-mismatch"; "" of NONE */

#define PROOF_WHY_SIZE 160

struct proof {
    enum proof_kind by; /* PROOF_NONE: nothing was proved */
    enum proof_fault fault;
    char why[PROOF_WHY_SIZE]; /* it was not, where it was wanted; else empty */
};

/* All contexts of connections that may have to be proved. -1 with err. */
int proof_enable(SSL_CTX *context, struct err *err);
/* Before the handshake. *kind is what is looked for: less than was wanted where the library finds
 * no record usable. -1: out of memory. */
int proof_prepare(SSL *ssl, const struct proof_wanted *wanted, enum proof_kind *kind,
                  struct err *err);
/* After it. False: what was looked for was not shown. */
bool proof_look(SSL *ssl, enum proof_kind kind, struct proof *proof);

#endif
