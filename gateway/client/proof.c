#include "gateway/client/proof.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>

const char *proof_fault_name(enum proof_fault fault)
{
    static const char *const names[] = {
        [FAULT_NONE] = "",
        [FAULT_STARTTLS_NOT_SUPPORTED] = "starttls-not-supported",
        [FAULT_CERTIFICATE_HOST_MISMATCH] = "certificate-host-mismatch",
        [FAULT_CERTIFICATE_EXPIRED] = "certificate-expired",
        [FAULT_CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
        [FAULT_VALIDATION_FAILURE] = "validation-failure",
        [FAULT_TLSA_INVALID] = "tlsa-invalid",
        [FAULT_DNSSEC_INVALID] = "dnssec-invalid",
        [FAULT_DANE_REQUIRED] = "dane-required",
        [FAULT_STS_POLICY_FETCH_ERROR] = "sts-policy-fetch-error",
        [FAULT_STS_POLICY_INVALID] = "sts-policy-invalid",
        [FAULT_STS_WEBPKI_INVALID] = "sts-webpki-invalid",
    };
    return names[fault];
}

int proof_enable(SSL_CTX *context, struct err *err)
{
    if (SSL_CTX_dane_enable(context) == 1)
        return 0;
    ERR_clear_error();
    return err_set(err, "TLS: DANE can't be enabled: out of memory");
}

static int no_memory(struct err *err)
{
    ERR_clear_error();
    return err_set(err, "out of memory for TLS");
}

/* How many of the records the library can use, which looks into whole certificates and keys. */
static size_t add_records(SSL *ssl, const struct tlsa *tlsa)
{
    size_t usable = 0;
    for (size_t i = 0; i < tlsa->n; i++) {
        const struct tlsa_record *r = &tlsa->records[i];
        usable +=
            SSL_dane_tlsa_add(ssl, (uint8_t)r->usage, (uint8_t)r->selector, (uint8_t)r->matching,
                              (const unsigned char *)r->data.s, r->data.n) > 0;
        ERR_clear_error();
    }
    return usable;
}

/* RFC 7672 3.1.1: with DANE-EE neither names nor dates count; 3.2.2: with DANE-TA either name. */
static int prepare_dane(SSL *ssl, const struct proof_wanted *wanted, enum proof_kind *kind,
                        struct err *err)
{
    if (SSL_dane_enable(ssl, wanted->name) != 1)
        return no_memory(err);
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    if (wanted->domain && SSL_add1_host(ssl, wanted->domain) != 1)
        return no_memory(err);
    *kind = add_records(ssl, wanted->tlsa) ? PROOF_DANE : wanted->otherwise;
    return 0;
}

/* A certificate for its name alone; what was asked for before is forgotten. */
static int prepare_pkix(SSL *ssl, const struct proof_wanted *wanted, struct err *err)
{
    if (wanted->name == NULL)
        return err_set(err, "no name is known that its certificate could be for");
    return SSL_set1_host(ssl, wanted->name) == 1 ? 0 : no_memory(err);
}

int proof_prepare(SSL *ssl, const struct proof_wanted *wanted, enum proof_kind *kind,
                  struct err *err)
{
    *kind = wanted->kind;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (wanted->name && SSL_set_tlsext_host_name(ssl, wanted->name) != 1)
        return no_memory(err);
    if (wanted->kind == PROOF_DANE && wanted->tlsa->n == 0)
        *kind = wanted->otherwise;
    else if (wanted->kind == PROOF_DANE && prepare_dane(ssl, wanted, kind, err) < 0)
        return -1;
    return *kind == PROOF_PKIX ? prepare_pkix(ssl, wanted, err) : 0;
}

/* --- what was shown --- */

static enum proof_fault fault_of(long result)
{
    switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return FAULT_CERTIFICATE_HOST_MISMATCH;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return FAULT_CERTIFICATE_EXPIRED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
        return FAULT_CERTIFICATE_NOT_TRUSTED;
    default:
        return FAULT_VALIDATION_FAILURE;
    }
}

static bool fail(struct proof *proof, enum proof_fault fault, const char *why)
{
    proof->fault = fault;
    snprintf(proof->why, sizeof proof->why, "%s", why);
    return false;
}

bool proof_look(SSL *ssl, enum proof_kind kind, struct proof *proof)
{
    char why[PROOF_WHY_SIZE];
    *proof = (struct proof){.by = PROOF_NONE};
    if (kind == PROOF_NONE)
        return true;
    if (SSL_get0_peer_certificate(ssl) == NULL)
        return fail(proof, FAULT_VALIDATION_FAILURE, "the server showed no certificate");
    long result = SSL_get_verify_result(ssl);
    if (result == X509_V_OK) {
        proof->by = kind;
        return true;
    }
    if (result == X509_V_ERR_DANE_NO_MATCH)
        return fail(proof, FAULT_VALIDATION_FAILURE,
                    "its certificate matches none of its TLSA records");
    snprintf(why, sizeof why, "its certificate is not valid: %s",
             X509_verify_cert_error_string(result));
    return fail(proof, fault_of(result), why);
}
