/* TLSA records as a stranger wrote them: pieces of the input, each behind a length, are the records
 * of one server. Those that are taken are bounded, and the library may look at them. */
#include <stdlib.h>

#include "gateway/client/proof.h"
#include "gateway/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static SSL_CTX *context(void)
{
    static SSL_CTX *made;
    struct err err;
    if (made == NULL && (tls_load_client(NULL, &made, &err) < 0 || proof_enable(made, &err) < 0))
        abort();
    return made;
}

static void check(const struct tlsa *tlsa, size_t n)
{
    char text[TLSA_TEXT_SIZE];
    if (tlsa->n > TLSA_RECORDS_MAX || tlsa->n + tlsa->passed_over != n)
        abort();
    for (size_t i = 0; i < tlsa->n; i++) {
        const struct tlsa_record *r = &tlsa->records[i];
        if (r->data.n == 0 || r->data.n > TLSA_DATA_MAX || r->usage < TLSA_DANE_TA)
            abort();
        tlsa_text(r, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_record records[DNS_RECORDS_MAX];
    struct str rest = str_n((const char *)data, size);
    size_t n = 0;
    while (rest.n && n < DNS_RECORDS_MAX) {
        size_t length = 1 + (unsigned char)rest.s[0];
        records[n++] = (struct dns_record){.data = str_sub(rest, 1, 1 + length)};
        rest = str_from(rest, 1 + length);
    }
    struct tlsa *tlsa = tlsa_read(records, n);
    if (tlsa == NULL)
        return 0;
    check(tlsa, n);
    const struct proof_wanted wanted = {.kind = PROOF_DANE,
                                        .required = true,
                                        .name = "mx.example",
                                        .domain = "example",
                                        .tlsa = tlsa};
    enum proof_kind kind;
    struct err err;
    SSL *ssl = SSL_new(context());
    if (ssl && proof_prepare(ssl, &wanted, &kind, &err) == 0 && kind == PROOF_DANE && tlsa->n == 0)
        abort();
    SSL_free(ssl);
    free(tlsa);
    return 0;
}
