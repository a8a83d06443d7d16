#include "reports/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/ascii.h"

#define ID_MAX     64 /* bytes; ours have 26 (spool/spool.h) */
#define HMAC_SIZE  32
#define SIGNED_MAX (ID_MAX + 64)
static const char missing_letters[] = "ftdi"; /* in the order of enum missing_field */

#define SIGNED_DOMAIN "poterne-id-1" /* so that the key can't be used for anything else */

/* What is signed: each text with its length in front, so that no two are the same. */
static int sign(const unsigned char key[KEY_SIZE], const struct signature *s,
                char text[SIGNATURE_CHARS + 1], struct err *err)
{
    char bytes[SIGNED_MAX];
    struct buf in = BUF_OVER(bytes);
    unsigned char mac[HMAC_SIZE], encoded[4 * HMAC_SIZE];
    unsigned int n = 0;
    buf_add(&in, STR(SIGNED_DOMAIN));
    buf_addc(&in, (char)s->id.n);
    buf_add(&in, s->id);
    buf_addc(&in, s->spam ? 'S' : 'H');
    buf_addn(&in, s->fingerprint.bytes, FINGERPRINT_SIZE);
    if (!buf_ok(&in))
        return err_set(err, "an id of %zu bytes is too long to sign", s->id.n);
    if (!HMAC(EVP_sha256(), key, KEY_SIZE, (const unsigned char *)in.p, in.n, mac, &n) ||
        n != HMAC_SIZE)
        return err_set(err, "HMAC-SHA256 failed");
    EVP_EncodeBlock(encoded, mac, SIGNATURE_SIZE);
    for (size_t i = 0; i < SIGNATURE_CHARS; i++)
        text[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : (char)encoded[i];
    text[SIGNATURE_CHARS] = '\0';
    return 0;
}

int signature_put(struct buf *out, const struct keys *keys, struct str id, bool spam,
                  const struct fingerprint *fingerprint, struct err *err)
{
    char text[SIGNATURE_CHARS + 1] = "";
    if (keys && keys->n && fingerprint) {
        const struct signature s = {id, spam, *fingerprint};
        if (sign(keys->bytes[0], &s, text, err) < 0)
            return -1;
    }
    buf_addf(out, "%s: %.*s%s%s", SIGNATURE_FIELD, STR_ARG(id), *text ? "; s=" : "", text);
    if (fingerprint && fingerprint->missing) {
        buf_add(out, STR("; m="));
        for (size_t bit = 0; bit < sizeof missing_letters - 1; bit++)
            if (fingerprint->missing & (1u << bit))
                buf_addc(out, missing_letters[bit]);
    }
    buf_add(out, STR("\r\n"));
    return 0;
}

int signature_load(struct err *err)
{
    static const unsigned char key[KEY_SIZE];
    char text[SIGNATURE_CHARS + 1];
    const struct signature s = {.id = STR("load")};
    return sign(key, &s, text, err);
}

static bool is_id(struct str x)
{
    for (size_t i = 0; i < x.n; i++)
        if (!ascii_is_alnum(x.s[i]))
            return false;
    return x.n > 0 && x.n <= ID_MAX;
}

static bool is_signature(struct str x)
{
    for (size_t i = 0; i < x.n; i++)
        if (!ascii_is_alnum(x.s[i]) && x.s[i] != '-' && x.s[i] != '_')
            return false;
    return x.n == SIGNATURE_CHARS;
}

static unsigned read_missing(struct str letters)
{
    unsigned missing = 0;
    for (size_t i = 0; i < letters.n; i++)
        for (size_t bit = 0; bit < sizeof missing_letters - 1; bit++)
            if (letters.s[i] == missing_letters[bit])
                missing |= 1u << bit;
    return missing;
}

bool signature_parse(struct str value, struct signature_field *field)
{
    struct str rest = value, piece;
    *field = (struct signature_field){0};
    if (!str_next(&rest, ';', &piece) || !is_id(str_trim(piece)))
        return false;
    field->id = str_trim(piece);
    while (str_next(&rest, ';', &piece)) {
        struct str part = str_trim(piece);
        struct str text = str_trim(str_from(part, 2));
        if (str_istarts(part, STR("s=")) && is_signature(text))
            field->text = text;
        else if (str_istarts(part, STR("m=")))
            field->missing = read_missing(text);
    }
    return true;
}

int signature_check(const struct keys *keys, struct str id, struct str text,
                    const struct fingerprint *fingerprint, enum signature_result *result,
                    struct err *err)
{
    *result = SIGNATURE_BAD;
    if (!is_signature(text) || !is_id(id))
        return 0;
    for (size_t i = 0; i < 2 * keys->n; i++) {
        char own[SIGNATURE_CHARS + 1];
        const struct signature s = {id, i % 2 == 1, *fingerprint};
        if (sign(keys->bytes[i / 2], &s, own, err) < 0)
            return -1;
        if (CRYPTO_memcmp(own, text.s, SIGNATURE_CHARS) == 0)
            *result = s.spam ? SIGNATURE_GOOD_SPAM : SIGNATURE_GOOD_HAM;
    }
    return 0;
}
