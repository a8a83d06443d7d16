#include "gateway/smtp/sasl.h"

#include "gateway/smtp/oauth.h"

#define DECODED_MAX (SASL_LINE_MAX / 4 * 3)

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; how many bytes it holds, 0: malformed. Only the last one may have padding, and
 * bits that say nothing must be 0. */
static size_t decode_group(struct str group, bool last, char out[3])
{
    size_t n = 4;
    uint32_t bits = 0;
    while (last && n > 2 && group.s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < 4; i++) {
        int value = i < n ? value_of(group.s[i]) : 0;
        if (value < 0)
            return 0;
        bits = bits << 6 | (uint32_t)value;
    }
    out[0] = (char)(bits >> 16);
    out[1] = (char)(bits >> 8 & 255);
    out[2] = (char)(bits & 255);
    uint32_t unused = n == 4 ? 0 : n == 3 ? bits & 255 : bits & 65535;
    return unused ? 0 : n - 1;
}

static bool decode(struct str text, char *out, size_t *n)
{
    *n = 0;
    if (text.n % 4 != 0 || text.n / 4 * 3 > DECODED_MAX)
        return false;
    for (size_t i = 0; i < text.n; i += 4) {
        size_t got = decode_group(str_sub(text, i, i + 4), i + 4 == text.n, out + *n);
        if (got == 0)
            return false;
        *n += got;
    }
    return true;
}

bool sasl_begin(struct sasl *sasl, struct str mechanism, bool tokens)
{
    memset(sasl, 0, sizeof *sasl);
    if (str_ieq(mechanism, STR("PLAIN")))
        sasl->step = SASL_PLAIN;
    else if (str_ieq(mechanism, STR("LOGIN")))
        sasl->step = SASL_LOGIN_USER;
    else if (tokens && str_ieq(mechanism, STR("OAUTHBEARER")))
        sasl->step = SASL_OAUTHBEARER;
    else if (tokens && str_ieq(mechanism, STR("XOAUTH2")))
        sasl->step = SASL_XOAUTH2;
    else
        return false;
    return true;
}

bool sasl_has_token(const struct sasl *sasl)
{
    return sasl->step == SASL_OAUTHBEARER || sasl->step == SASL_XOAUTH2;
}

struct str sasl_challenge(const struct sasl *sasl)
{
    static const struct str challenges[] = {
        [SASL_PLAIN] = STR(""),
        [SASL_LOGIN_USER] = STR("VXNlcm5hbWU6"),     /* "Username:" */
        [SASL_LOGIN_PASSWORD] = STR("UGFzc3dvcmQ6"), /* "Password:" */
    };
    return sasl_has_token(sasl) ? STR("") : challenges[sasl->step];
}

/* [authzid] NUL authcid NUL passwd */
static enum sasl_next take_plain(struct sasl *sasl, struct str message)
{
    size_t first = str_chr(message, '\0');
    if (first == STR_NONE)
        return SASL_MALFORMED;
    struct str authzid = str_sub(message, 0, first);
    message = str_from(message, first + 1);
    size_t second = str_chr(message, '\0');
    if (second == STR_NONE)
        return SASL_MALFORMED;
    struct str user = str_sub(message, 0, second);
    if (!str_copy(user, sasl->user, sizeof sasl->user) ||
        !str_copy(str_from(message, second + 1), sasl->password, SASL_PASSWORD_MAX + 1))
        return SASL_MALFORMED;
    return authzid.n == 0 || str_eq(authzid, user) ? SASL_READY : SASL_FOR_OTHERS;
}

static enum sasl_next take_token(struct sasl *sasl, struct str message)
{
    struct oauth_message read;
    bool well = sasl->step == SASL_XOAUTH2
                    ? oauth_read_xoauth2(message, &read) &&
                          str_copy(read.user, sasl->user, sizeof sasl->user)
                    : oauth_read_bearer(message, &read) &&
                          oauth_user(read.user, sasl->user, sizeof sasl->user);
    return well && str_copy(read.token, sasl->password, sizeof sasl->password) ? SASL_READY
                                                                               : SASL_MALFORMED;
}

static enum sasl_next take_message(struct sasl *sasl, struct str message)
{
    if (sasl->step == SASL_PLAIN)
        return take_plain(sasl, message);
    if (sasl_has_token(sasl))
        return take_token(sasl, message);
    if (sasl->step == SASL_LOGIN_USER) {
        if (!str_copy(message, sasl->user, sizeof sasl->user))
            return SASL_MALFORMED;
        sasl->step = SASL_LOGIN_PASSWORD;
        return SASL_ASK;
    }
    return str_copy(message, sasl->password, SASL_PASSWORD_MAX + 1) ? SASL_READY : SASL_MALFORMED;
}

enum sasl_next sasl_take(struct sasl *sasl, struct str line)
{
    char room[DECODED_MAX];
    size_t n = 0;
    enum sasl_next next = SASL_MALFORMED;
    if (str_eq(line, STR("=")))
        line = STR("");
    if (decode(line, room, &n))
        next = take_message(sasl, str_n(room, n));
    explicit_bzero(room, sizeof room);
    return next;
}

void sasl_wipe(struct sasl *sasl)
{
    explicit_bzero(sasl->user, sizeof sasl->user);
    explicit_bzero(sasl->password, sizeof sasl->password);
}

void sasl_wipe_bytes(struct str bytes)
{
    if (bytes.n)
        explicit_bzero((void *)(uintptr_t)bytes.s, bytes.n);
}
