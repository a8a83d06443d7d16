#include "sender/sign_twin.h"

#include <openssl/evp.h>

#include "sender/canon.h"
#include "sender/tag.h"

#define SIGNATURE_BYTES 64

static struct str name_of(struct str field)
{
    return str_trim(str_sub(field, 0, str_chr(field, ':')));
}

/* The last field of that name that is not yet taken (RFC 6376 5.4.2). */
static const struct str *take_field(const struct str *fields, size_t n, struct str name,
                                    bool *taken)
{
    for (size_t i = n; i-- > 0;)
        if (!taken[i] && str_ieq(name_of(fields[i]), name)) {
            taken[i] = true;
            return &fields[i];
        }
    return NULL;
}

/* What is signed: the fields that h= names, then ours with an empty b= (RFC 6376 3.7). */
static void put_signed(struct str names, const struct str *fields, size_t n, struct str own,
                       struct buf *out)
{
    bool taken[SIGN_FIELDS_MAX] = {false};
    struct str name;
    while (str_next(&names, ':', &name)) {
        const struct str *field = take_field(fields, n, str_trim(name), taken);
        if (field == NULL) /* named all the same: none may be added */
            continue;
        canon_field(CANON_RELAXED, *field, out);
        buf_add(out, STR("\r\n"));
    }
    canon_field(CANON_RELAXED, own, out);
}

/* RFC 8463 3: Ed25519 signs the digest. */
static int sign(const struct sign_private *key, struct str bytes,
                unsigned char signature[SIGNATURE_BYTES], struct err *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    size_t length = SIGNATURE_BYTES;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_Digest(bytes.s, bytes.n, digest, &n, EVP_sha256(), NULL) == 1 &&
              EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) == 1 &&
              EVP_DigestSign(context, signature, &length, digest, n) == 1;
    EVP_MD_CTX_free(context);
    return ok ? 0 : err_set(err, "OpenSSL makes no Ed25519 signature");
}

/* Beside those that change, all tags of the other's in their order and with its folds. */
static void put_tags(struct str rsa, const char *selector, struct buf *out)
{
    struct str name, value;
    buf_add(out, STR("DKIM-Signature: v=1; a=ed25519-sha256"));
    while (tag_next(&rsa, &name, &value)) {
        if (name.n == 0 || str_eq(name, STR("v")) || str_eq(name, STR("a")) ||
            str_eq(name, STR("b")))
            continue;
        buf_addf(out, ";\r\n\t%.*s=", STR_ARG(name));
        buf_add(out, str_eq(name, STR("s")) ? str_of(selector) : value);
    }
    buf_add(out, STR(";\r\n\tb="));
}

int sign_twin(const struct sign_with *with, struct str rsa, const struct str *fields, size_t n,
              struct buf *out, struct err *err)
{
    unsigned char signature[SIGNATURE_BYTES];
    unsigned char text[4 * ((SIGNATURE_BYTES + 2) / 3) + 1];
    struct buf bytes = BUF_INIT(SIGN_ANSWER_MAX + SIGN_FIELDS_MAX * (SIGN_FIELD_MAX + 2));
    size_t from = out->n;
    put_tags(rsa, with->selector, out);
    put_signed(tag_value(rsa, STR("h")), fields, n, str_from(buf_str(out), from), &bytes);
    int result = buf_ok(&bytes) && buf_ok(out) ? sign(with->key, buf_str(&bytes), signature, err)
                                               : err_set(err, "out of memory for a signature");
    if (result == 0) {
        buf_addn(out, text, (size_t)EVP_EncodeBlock(text, signature, SIGNATURE_BYTES));
        buf_add(out, STR("\r\n"));
    }
    buf_release(&bytes);
    return result;
}
