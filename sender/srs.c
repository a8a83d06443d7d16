#include "sender/srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/ascii.h"
#include "base/buf.h"
#include "base/domain.h"

#define SHA1_SIZE    20
#define DAY          86400
#define TIME_CHARS   2
#define TIME_MODULUS 1024 /* days, in two characters of base 32 */
#define KEY_PURPOSE  "poterne-srs-1"
#define TAG_CHARS    5 /* "SRS0=" */
#define TEXT_SIZE    512

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 6 */

int srs_key_add(struct srs_keys *keys, const unsigned char *secret, size_t n, struct err *err)
{
    unsigned int size = 0;
    if (keys->n == SRS_KEYS_MAX)
        return err_set(err, "more than %d keys for SRS", SRS_KEYS_MAX);
    if (!HMAC(EVP_sha256(), secret, (int)n, (const unsigned char *)KEY_PURPOSE,
              sizeof KEY_PURPOSE - 1, keys->bytes[keys->n], &size) ||
        size != SRS_KEY_SIZE)
        return err_set(err, "HMAC-SHA256 failed");
    keys->n++;
    return 0;
}

/* --- hash and time --- */

/* Of the pieces behind one another, in lower case. */
static bool make_hash(const unsigned char *key, const struct str *pieces, size_t n,
                      char out[SRS_HASH_CHARS + 1])
{
    char text[TEXT_SIZE];
    struct buf all = BUF_OVER(text);
    unsigned char mac[SHA1_SIZE], encoded[2 * SHA1_SIZE];
    unsigned int size = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < pieces[i].n; k++)
            buf_addc(&all, str_lower_char(pieces[i].s[k]));
    if (!buf_ok(&all) ||
        !HMAC(EVP_sha1(), key, SRS_KEY_SIZE, (const unsigned char *)all.p, all.n, mac, &size) ||
        size != SHA1_SIZE)
        return false;
    EVP_EncodeBlock(encoded, mac, SHA1_SIZE);
    memcpy(out, encoded, SRS_HASH_CHARS);
    out[SRS_HASH_CHARS] = '\0';
    return true;
}

static bool hash_fits(const struct srs_keys *keys, struct str hash, const struct str *pieces,
                      size_t n)
{
    char said[SRS_HASH_CHARS], good[SRS_HASH_CHARS + 1];
    bool fits = false;
    if (hash.n != SRS_HASH_CHARS)
        return false;
    for (size_t i = 0; i < SRS_HASH_CHARS; i++)
        said[i] = str_lower_char(hash.s[i]);
    for (size_t k = 0; k < keys->n; k++) {
        if (!make_hash(keys->bytes[k], pieces, n, good))
            return false;
        for (size_t i = 0; i < SRS_HASH_CHARS; i++)
            good[i] = str_lower_char(good[i]);
        fits |= CRYPTO_memcmp(said, good, SRS_HASH_CHARS) == 0;
    }
    return fits;
}

static unsigned day_of(int64_t now)
{
    return now < 0 ? 0 : (unsigned)(now / DAY % TIME_MODULUS);
}

static int digit(char c)
{
    for (int i = 0; i < 32; i++)
        if (str_lower_char(base32[i]) == str_lower_char(c))
            return i;
    return -1;
}

/* For how many days an address is good. */
static unsigned life_of(const struct srs_keys *keys)
{
    bool long_held = keys->held_days > SRS_DAYS_MAX - SRS_DAYS;
    return long_held ? SRS_DAYS_MAX : keys->held_days + SRS_DAYS;
}

/* A clock that is a day behind another's takes what that one made. */
static bool is_current(const struct srs_keys *keys, struct str stamp, int64_t now)
{
    int high = stamp.n == TIME_CHARS ? digit(stamp.s[0]) : -1;
    int low = stamp.n == TIME_CHARS ? digit(stamp.s[1]) : -1;
    if (high < 0 || low < 0)
        return false;
    unsigned then = (unsigned)high * 32 + (unsigned)low;
    unsigned age = (day_of(now) + 1 + TIME_MODULUS - then) % TIME_MODULUS;
    return age <= life_of(keys) + 1;
}

/* --- local parts (RFC 5321 4.1.2) --- */

/* Without quotes and escapes. */
static void put_plain(struct buf *out, struct str local)
{
    bool quoted = local.n >= 2 && local.s[0] == '"' && local.s[local.n - 1] == '"';
    if (quoted)
        local = str_sub(local, 1, local.n - 1);
    for (size_t i = 0; i < local.n; i++) {
        if (quoted && local.s[i] == '\\' && i + 1 < local.n)
            i++;
        buf_addc(out, local.s[i]);
    }
}

static bool needs_quotes(struct str local)
{
    for (size_t i = 0; i < local.n; i++) {
        char c = local.s[i];
        bool plain = (unsigned char)c >= 0x80 || ascii_is_alnum(c) ||
                     (c && strchr("!#$%&'*+-/=?^_`{|}~.", c));
        if (!plain)
            return true;
    }
    return local.n == 0;
}

static void put_local(struct buf *out, struct str local)
{
    if (!needs_quotes(local)) {
        buf_add(out, local);
        return;
    }
    buf_addc(out, '"');
    for (size_t i = 0; i < local.n; i++) {
        if (local.s[i] == '"' || local.s[i] == '\\')
            buf_addc(out, '\\');
        buf_addc(out, local.s[i]);
    }
    buf_addc(out, '"');
}

/* A domain, or an address literal. */
static bool is_host(struct str host)
{
    char normal[DOMAIN_SIZE];
    if (!str_starts(host, STR("[")))
        return domain_normal(host, normal);
    for (size_t i = 1; i + 1 < host.n; i++)
        if (!ascii_is_word(host.s[i]) && host.s[i] != ':' && host.s[i] != '.')
            return false;
    return host.n > 2 && str_ends(host, STR("]"));
}

/* False (and out empty): too long, or nothing that could be said in a command. */
static bool put_address(struct str local, struct str domain, size_t local_max,
                        char out[SRS_ADDRESS_SIZE])
{
    char text[TEXT_SIZE];
    struct buf address = BUF_OVER(text);
    put_local(&address, local);
    bool good = buf_ok(&address) && address.n <= local_max && is_host(domain);
    buf_addc(&address, '@');
    buf_add(&address, domain);
    for (size_t i = 0; i < address.n; i++)
        good = good && (unsigned char)address.p[i] >= ' ' && address.p[i] != 127;
    good = good && buf_ok(&address) && address.n <= SRS_ADDRESS_MAX;
    out[0] = '\0';
    return good && str_copy(buf_str(&address), out, SRS_ADDRESS_SIZE);
}

/* --- the way out --- */

static bool has_tag(struct str local, char number)
{
    return local.n >= TAG_CHARS && str_istarts(local, STR("SRS")) && local.s[3] == number &&
           memchr("=+-", local.s[4], 3) != NULL;
}

static void put_first(const struct srs_keys *keys, struct str local, struct str host, int64_t now,
                      struct buf *out)
{
    char hash[SRS_HASH_CHARS + 1];
    const char stamp[] = {base32[day_of(now) / 32], base32[day_of(now) % 32]};
    const struct str pieces[] = {str_n(stamp, TIME_CHARS), host, local};
    if (make_hash(keys->bytes[0], pieces, 3, hash))
        buf_addf(out, "SRS0=%s=%.2s=%.*s=%.*s", hash, stamp, STR_ARG(host), STR_ARG(local));
    else
        out->failed = true;
}

/* `rest` is what stood behind SRS0 in the first server's address, its separator included. */
static void put_second(const struct srs_keys *keys, struct str host, struct str rest,
                       struct buf *out)
{
    char hash[SRS_HASH_CHARS + 1];
    const struct str pieces[] = {host, rest};
    if (make_hash(keys->bytes[0], pieces, 2, hash))
        buf_addf(out, "SRS1=%s=%.*s=%.*s", hash, STR_ARG(host), STR_ARG(rest));
    else
        out->failed = true;
}

bool srs_forward(const struct srs_keys *keys, struct str sender, struct str domain, int64_t now,
                 char out[SRS_ADDRESS_SIZE])
{
    char room[TEXT_SIZE], text[TEXT_SIZE];
    struct buf plain = BUF_OVER(room), made = BUF_OVER(text);
    size_t at = str_rchr(sender, '@');
    out[0] = '\0';
    if (keys->n == 0 || at == STR_NONE)
        return false;
    struct str host = str_from(sender, at + 1);
    put_plain(&plain, str_sub(sender, 0, at));
    struct str local = buf_str(&plain);
    struct str hash, first = STR_EMPTY, rest = str_from(local, TAG_CHARS);
    bool third = has_tag(local, '1') && str_next(&rest, '=', &hash) &&
                 str_next(&rest, '=', &first) && first.n && rest.n;
    if (third)
        put_second(keys, first, rest, &made);
    else if (has_tag(local, '0'))
        put_second(keys, host, str_from(local, TAG_CHARS - 1), &made);
    else
        put_first(keys, local, host, now, &made);
    return buf_ok(&plain) && buf_ok(&made) &&
           put_address(buf_str(&made), domain, SRS_LOCAL_MAX, out);
}

/* --- the way back --- */

bool srs_looks_like(struct str address)
{
    struct str local = str_sub(address, 0, str_rchr(address, '@'));
    if (str_starts(local, STR("\"")))
        local = str_from(local, 1);
    return has_tag(local, '0') || has_tag(local, '1');
}

static enum srs_result back_from_first(const struct srs_keys *keys, struct str rest, int64_t now,
                                       char out[SRS_ADDRESS_SIZE])
{
    struct str hash, stamp, host;
    if (!str_next(&rest, '=', &hash) || !str_next(&rest, '=', &stamp) ||
        !str_next(&rest, '=', &host))
        return SRS_FORGED;
    const struct str pieces[] = {stamp, host, rest};
    if (!hash_fits(keys, hash, pieces, 3))
        return SRS_FORGED;
    if (!is_current(keys, stamp, now))
        return SRS_EXPIRED;
    return put_address(rest, host, SRS_ADDRESS_MAX, out) ? SRS_GOOD : SRS_FORGED;
}

static enum srs_result back_from_second(const struct srs_keys *keys, struct str rest,
                                        char out[SRS_ADDRESS_SIZE])
{
    char room[TEXT_SIZE];
    struct buf first = BUF_OVER(room);
    struct str hash, host;
    if (!str_next(&rest, '=', &hash) || !str_next(&rest, '=', &host))
        return SRS_FORGED;
    const struct str pieces[] = {host, rest};
    if (!hash_fits(keys, hash, pieces, 2))
        return SRS_FORGED;
    buf_addf(&first, "SRS0%.*s", STR_ARG(rest));
    return buf_ok(&first) && put_address(buf_str(&first), host, SRS_ADDRESS_MAX, out) ? SRS_GOOD
                                                                                      : SRS_FORGED;
}

enum srs_result srs_back(const struct srs_keys *keys, struct str address, int64_t now,
                         char out[SRS_ADDRESS_SIZE])
{
    char room[TEXT_SIZE];
    struct buf plain = BUF_OVER(room);
    out[0] = '\0';
    put_plain(&plain, str_sub(address, 0, str_rchr(address, '@')));
    struct str local = buf_str(&plain);
    if (!buf_ok(&plain))
        return SRS_FORGED;
    if (has_tag(local, '0'))
        return back_from_first(keys, str_from(local, TAG_CHARS), now, out);
    if (has_tag(local, '1'))
        return back_from_second(keys, str_from(local, TAG_CHARS), out);
    return SRS_FORGED;
}
