#include "sender/sign_key.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/ascii.h"
#include "sender/dns.h"
#include "sender/tag.h"

#define SIGNATURE_MAX 2048 /* bytes: RSA of 16384 bits */
#define KEY_MAX       2048

struct str sign_key_name(struct pool *pool, struct str tags)
{
    const struct str pieces[] = {tag_value(tags, STR("s")), STR("._domainkey."),
                                 tag_value(tags, STR("d"))};
    struct str name = pool_join(pool, pieces, 3);
    bool ok = pieces[0].n > 0 && pieces[2].n > 0 && dns_name_ok(name);
    for (size_t i = 0; ok && i < name.n; i++)
        ok = name.s[i] > ' ' && name.s[i] < 127;
    return ok ? name : STR_EMPTY;
}

EVP_PKEY *sign_key_pkey(const struct sign_key *key)
{
    return (EVP_PKEY *)key;
}

void sign_base64(struct str text, struct buf *out)
{
    struct buf plain = BUF_INIT(text.n + 4);
    unsigned char bytes[(4 * 1024 / 4) * 3 + 3];
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_space(text.s[i]))
            buf_addc(&plain, text.s[i]);
    size_t padding = 0;
    while (padding < 2 && padding < plain.n && plain.p[plain.n - 1 - padding] == '=')
        padding++;
    int n = -1;
    if (buf_ok(&plain) && plain.n % 4 == 0 && plain.n / 4 * 3 <= sizeof bytes)
        n = EVP_DecodeBlock(bytes, (const unsigned char *)plain.p, (int)plain.n);
    if (n < 0 || (size_t)n < padding)
        out->failed = true;
    else
        buf_addn(out, bytes, (size_t)n - padding);
    buf_release(&plain);
}

/* Whether a list with ':' between its words has this one. */
static bool list_has(struct str list, struct str wanted)
{
    struct str word;
    while (str_next(&list, ':', &word))
        if (str_eq(str_trim(word), wanted) || str_eq(str_trim(word), STR("*")))
            return true;
    return false;
}

static EVP_PKEY *read_rsa(struct str bytes, const char **why)
{
    const unsigned char *at = (const unsigned char *)bytes.s;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)bytes.n);
    at = (const unsigned char *)bytes.s;
    if (!pkey) /* some publish the bare RSAPublicKey of RFC 8017 */
        pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)bytes.n);
    if (pkey && EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA && EVP_PKEY_bits(pkey) >= SIGN_RSA_BITS_MIN)
        return pkey;
    *why = pkey ? "the key is too weak" : "the key can't be read";
    EVP_PKEY_free(pkey);
    return NULL;
}

static EVP_PKEY *read_ed25519(struct str bytes, const char **why)
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                                 (const unsigned char *)bytes.s, bytes.n);
    if (!pkey)
        *why = "the key can't be read";
    return pkey;
}

static const char *not_usable(struct str record, struct str kind)
{
    struct str version = tag_value(record, STR("v"));
    struct str type = tag_value(record, STR("k"));
    struct str hashes = tag_value(record, STR("h"));
    struct str services = tag_value(record, STR("s"));
    if (version.s && !str_eq(version, STR("DKIM1")))
        return "the key is of another version";
    if (!str_eq(type.s ? type : STR("rsa"), kind))
        return "the key is of another kind";
    if (hashes.s && !list_has(hashes, STR("sha256")))
        return "the key is not for SHA-256";
    if (services.s && !list_has(services, STR("email")))
        return "the key is not for mail";
    return tag_value(record, STR("p")).n == 0 ? "the key is revoked, or is none" : NULL;
}

struct sign_key *sign_key_read(struct str record, struct str algorithm, const char **why)
{
    bool rsa = str_eq(algorithm, STR("rsa-sha256"));
    *why = "the algorithm is not known";
    if (!rsa && !str_eq(algorithm, STR("ed25519-sha256")))
        return NULL;
    *why = not_usable(record, rsa ? STR("rsa") : STR("ed25519"));
    if (*why)
        return NULL;
    struct buf bytes = BUF_INIT(KEY_MAX);
    EVP_PKEY *pkey = NULL;
    sign_base64(tag_value(record, STR("p")), &bytes);
    if (!buf_ok(&bytes))
        *why = "the key can't be read";
    else
        pkey = rsa ? read_rsa(buf_str(&bytes), why) : read_ed25519(buf_str(&bytes), why);
    buf_release(&bytes);
    return (struct sign_key *)pkey;
}

void sign_key_free(struct sign_key **key)
{
    EVP_PKEY_free(sign_key_pkey(*key));
    *key = NULL;
}

/* RFC 8463 3: Ed25519 signs the digest, as if that were the message. */
static bool verify(EVP_PKEY *pkey, struct str bytes, struct str signature)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool rsa = EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA;
    struct str what = bytes;
    if (!rsa) {
        if (EVP_Digest(bytes.s, bytes.n, digest, &n, EVP_sha256(), NULL) != 1)
            return false;
        what = str_n((const char *)digest, n);
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context &&
              EVP_DigestVerifyInit(context, NULL, rsa ? EVP_sha256() : NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(context, (const unsigned char *)signature.s, signature.n,
                               (const unsigned char *)what.s, what.n) == 1;
    EVP_MD_CTX_free(context);
    return ok;
}

bool sign_key_fits(const struct sign_key *key, struct str bytes, struct str signature)
{
    struct buf plain = BUF_INIT(SIGNATURE_MAX);
    sign_base64(signature, &plain);
    bool fits = buf_ok(&plain) && plain.n > 0 && verify(sign_key_pkey(key), bytes, buf_str(&plain));
    buf_release(&plain);
    return fits;
}
