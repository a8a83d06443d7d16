/* What a server's certificate proves: handshakes in memory with certificates made here, against
 * TLSA records and names. */
#include "t/unit/tap.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/client/proof.h"
#include "gateway/tls.h"

#define DAY    86400L
#define ROUNDS 20

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

struct world {
    SSL_CTX *client, *server;
    struct identity authority, good, expired;
    unsigned char whole[TLSA_DATA_MAX];
};

static void extend(X509 *to, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(to, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* Of a name ("DNS:…"), or an authority of its own where that is NULL. */
static struct identity make(const struct identity *issuer, const char *name, long from, long to)
{
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509 *by = issuer ? issuer->certificate : made.certificate;
    assert_non_null(made.key);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), name ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), to);
    X509_set_pubkey(made.certificate, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)(name ? "a server" : "an authority"), -1, -1,
                               0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by));
    extend(made.certificate, by, NID_basic_constraints, name ? "CA:FALSE" : "critical,CA:TRUE");
    if (name)
        extend(made.certificate, by, NID_subject_alt_name, name);
    assert_true(X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

static int up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct err err;
    assert_non_null(w);
    assert_int_equal(tls_load_client(NULL, &w->client, &err), 0);
    assert_int_equal(proof_enable(w->client, &err), 0);
    w->authority = make(NULL, NULL, -DAY, DAY);
    w->good = make(&w->authority, "DNS:mx.a.example", -DAY, DAY);
    w->expired = make(&w->authority, "DNS:mx.a.example", -2 * DAY, -DAY);
    *state = w;
    return 0;
}

static void identity_free(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static int down(void **state)
{
    struct world *w = *state;
    identity_free(&w->authority);
    identity_free(&w->good);
    identity_free(&w->expired);
    SSL_CTX_free(w->client);
    free(w);
    return 0;
}

static void trust(struct world *w)
{
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(w->client),
                                         w->authority.certificate),
                     1);
}

static SSL *server_of(struct world *w, const struct identity *identity)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(context, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, identity->key), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(context, w->authority.certificate), 1);
    SSL *ssl = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_accept_state(ssl);
    return ssl;
}

/* Whether the server showed what is wanted. */
static bool shows(struct world *w, const struct identity *identity,
                  const struct proof_wanted *wanted, struct proof *proof)
{
    BIO *ours, *theirs;
    struct err err;
    enum proof_kind kind;
    SSL *client = SSL_new(w->client), *server = server_of(w, identity);
    assert_int_equal(BIO_new_bio_pair(&ours, 0, &theirs, 0), 1);
    SSL_set_bio(client, ours, ours);
    SSL_set_bio(server, theirs, theirs);
    SSL_set_connect_state(client);
    assert_int_equal(proof_prepare(client, wanted, &kind, &err), 0);
    int done = 0;
    for (int i = 0; i < ROUNDS && done != 1; i++) {
        done = SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    assert_int_equal(done, 1);
    bool shown = proof_look(client, kind, proof);
    SSL_free(client);
    SSL_free(server);
    return shown;
}

/* A record of the whole certificate, of its key, or of a digest of either. */
static struct tlsa tlsa_of(struct world *w, const struct identity *identity, enum tlsa_usage usage,
                           enum tlsa_selector selector, enum tlsa_matching matching)
{
    unsigned char digest[SHA512_DIGEST_LENGTH];
    unsigned char *at = w->whole;
    int n = selector == TLSA_PUBLIC_KEY ? i2d_PUBKEY(identity->key, &at)
                                        : i2d_X509(identity->certificate, &at);
    assert_true(n > 0);
    if (matching == TLSA_SHA256) {
        SHA256(w->whole, (size_t)n, digest);
        n = SHA256_DIGEST_LENGTH;
        memcpy(w->whole, digest, (size_t)n);
    } else if (matching == TLSA_SHA512) {
        SHA512(w->whole, (size_t)n, digest);
        n = SHA512_DIGEST_LENGTH;
        memcpy(w->whole, digest, (size_t)n);
    }
    return (struct tlsa){.n = 1,
                         .records = {{usage, selector, matching,
                                      str_n((const char *)w->whole, (size_t)n)}}};
}

static void every_kind_of_record(void **state)
{
    struct world *w = *state;
    struct proof proof;
    for (int selector = TLSA_CERTIFICATE; selector <= TLSA_PUBLIC_KEY; selector++)
        for (int matching = TLSA_WHOLE; matching <= TLSA_SHA512; matching++) {
            struct tlsa tlsa = tlsa_of(w, &w->good, TLSA_DANE_EE, (enum tlsa_selector)selector,
                                       (enum tlsa_matching)matching);
            struct proof_wanted wanted = {.kind = PROOF_DANE,
                                          .required = true,
                                          .name = "mx.a.example",
                                          .domain = "a.example",
                                          .tlsa = &tlsa};
            assert_true(shows(w, &w->good, &wanted, &proof));
            assert_int_equal(proof.by, PROOF_DANE);
            assert_false(shows(w, &w->expired, &wanted, &proof)); /* another key */
            assert_int_equal(proof.fault, FAULT_VALIDATION_FAILURE);
            tlsa = tlsa_of(w, &w->authority, TLSA_DANE_TA, (enum tlsa_selector)selector,
                           (enum tlsa_matching)matching);
            assert_true(shows(w, &w->good, &wanted, &proof));
            assert_int_equal(proof.by, PROOF_DANE);
        }
}

/* RFC 7672 3.1.1: neither the name nor the dates of a certificate whose key is named. */
static void a_key_is_enough(void **state)
{
    struct world *w = *state;
    struct proof proof;
    struct tlsa tlsa = tlsa_of(w, &w->expired, TLSA_DANE_EE, TLSA_PUBLIC_KEY, TLSA_SHA256);
    const struct proof_wanted wanted = {.kind = PROOF_DANE,
                                        .required = true,
                                        .name = "other.example",
                                        .tlsa = &tlsa};
    assert_true(shows(w, &w->expired, &wanted, &proof));
    assert_int_equal(proof.by, PROOF_DANE);
}

/* RFC 7672 3.1.2, 3.2.2: the name and the dates count; the mail's domain is as good a name. */
static void below_an_authority_names_count(void **state)
{
    struct world *w = *state;
    struct proof proof;
    struct tlsa tlsa = tlsa_of(w, &w->authority, TLSA_DANE_TA, TLSA_CERTIFICATE, TLSA_SHA256);
    struct proof_wanted wanted = {.kind = PROOF_DANE,
                                  .required = true,
                                  .name = "other.example",
                                  .tlsa = &tlsa};
    assert_false(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_HOST_MISMATCH);
    wanted.domain = "mx.a.example";
    assert_true(shows(w, &w->good, &wanted, &proof));
    assert_false(shows(w, &w->expired, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_EXPIRED);
}

static void records_that_the_library_refuses(void **state)
{
    struct world *w = *state;
    struct proof proof;
    const struct tlsa broken = {.n = 1,
                                .records = {{TLSA_DANE_EE, TLSA_CERTIFICATE, TLSA_WHOLE,
                                             STR("no certificate")}}};
    const struct tlsa none = {.passed_over = 1};
    struct proof_wanted wanted = {.kind = PROOF_DANE,
                                  .required = true,
                                  .name = "mx.a.example",
                                  .tlsa = &broken};
    assert_true(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.by, PROOF_NONE); /* encrypted, and that is all */
    wanted.tlsa = &none;
    assert_true(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.by, PROOF_NONE);
}

/* What is asked for beside DANE stays asked for. */
static void unusable_records_leave_the_certificate_to_be_proved(void **state)
{
    struct world *w = *state;
    struct proof proof;
    const struct tlsa broken = {.n = 1,
                                .records = {{TLSA_DANE_EE, TLSA_CERTIFICATE, TLSA_WHOLE,
                                             STR("no certificate")}}};
    const struct proof_wanted wanted = {.kind = PROOF_DANE,
                                        .otherwise = PROOF_PKIX,
                                        .required = true,
                                        .name = "mx.a.example",
                                        .domain = "a.example",
                                        .tlsa = &broken};
    assert_false(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_NOT_TRUSTED);
    trust(w);
    assert_true(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.by, PROOF_PKIX);
}

static void by_trusted_authorities(void **state)
{
    struct world *w = *state;
    struct proof proof;
    struct proof_wanted wanted = {.kind = PROOF_PKIX, .required = true, .name = "mx.a.example"};
    assert_false(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_NOT_TRUSTED);
    trust(w);
    assert_true(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.by, PROOF_PKIX);
    assert_false(shows(w, &w->expired, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_EXPIRED);
    wanted.name = "a.example";
    assert_false(shows(w, &w->good, &wanted, &proof));
    assert_int_equal(proof.fault, FAULT_CERTIFICATE_HOST_MISMATCH);
    assert_string_equal(proof_fault_name(proof.fault), "certificate-host-mismatch");
    assert_true(proof.why[0] != '\0');
}

static void without_a_name_nothing_is_begun(void **state)
{
    struct world *w = *state;
    const struct proof_wanted wanted = {.kind = PROOF_PKIX, .required = true, .name = NULL};
    enum proof_kind kind;
    struct err err;
    SSL *ssl = SSL_new(w->client);
    assert_int_equal(proof_prepare(ssl, &wanted, &kind, &err), -1);
    SSL_free(ssl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_of_record, up, down),
        cmocka_unit_test_setup_teardown(a_key_is_enough, up, down),
        cmocka_unit_test_setup_teardown(below_an_authority_names_count, up, down),
        cmocka_unit_test_setup_teardown(records_that_the_library_refuses, up, down),
        cmocka_unit_test_setup_teardown(unusable_records_leave_the_certificate_to_be_proved, up,
                                        down),
        cmocka_unit_test_setup_teardown(by_trusted_authorities, up, down),
        cmocka_unit_test_setup_teardown(without_a_name_nothing_is_begun, up, down),
    };
    return tap_run(tests, NULL, NULL);
}
