#include "gateway/smtp/oauth.h"

#define KVSEP '\x01'

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_key(struct str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (!is_alpha(key.s[i]))
            return false;
    return key.n > 0;
}

/* RFC 6750 2.1: b64token */
static bool is_token(struct str token)
{
    size_t n = token.n;
    while (n > 0 && token.s[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        char c = token.s[i];
        if (!is_alpha(c) && !(c >= '0' && c <= '9') && (c == '\0' || strchr("-._~+/", c) == NULL))
            return false;
    }
    return n > 0;
}

/* "Bearer TOKEN" (RFC 7235 2.1), or nothing at all. */
static bool read_credentials(struct str value, struct oauth_message *out)
{
    const struct str scheme = STR("Bearer ");
    if (value.n == 0)
        return true;
    if (!str_istarts(value, scheme))
        return false;
    struct str token = str_from(value, scheme.n);
    while (str_starts(token, STR(" ")))
        token = str_from(token, 1);
    out->token = token;
    return is_token(token);
}

/* KEY=VALUE, each with KVSEP behind it, and one more at the end. */
static bool read_pairs(struct str pairs, struct oauth_message *out)
{
    bool auth = false;
    if (pairs.n == 0 || pairs.s[pairs.n - 1] != KVSEP)
        return false;
    pairs = str_sub(pairs, 0, pairs.n - 1);
    while (pairs.n > 0) {
        size_t end = str_chr(pairs, KVSEP);
        struct str pair = str_sub(pairs, 0, end);
        size_t is = str_chr(pair, '=');
        if (end == STR_NONE || is == STR_NONE || !is_key(str_sub(pair, 0, is)))
            return false;
        pairs = str_from(pairs, end + 1);
        if (!str_eq(str_sub(pair, 0, is), STR("auth")))
            continue;
        if (auth || !read_credentials(str_from(pair, is + 1), out))
            return false;
        auth = true;
    }
    return true;
}

bool oauth_read_bearer(struct str message, struct oauth_message *out)
{
    const struct str name = STR("a=");
    *out = (struct oauth_message){STR_EMPTY, STR_EMPTY};
    /* "y,": it could bind to the channel, and believes that we can't */
    if (!str_starts(message, STR("n,")) && !str_starts(message, STR("y,")))
        return false;
    message = str_from(message, 2);
    size_t end = str_chr(message, ',');
    if (end == STR_NONE)
        return false;
    struct str authzid = str_sub(message, 0, end);
    message = str_from(message, end + 1);
    if (authzid.n > 0 && (!str_starts(authzid, name) || authzid.n == name.n))
        return false;
    out->user = str_from(authzid, authzid.n ? name.n : 0);
    return message.n > 0 && message.s[0] == KVSEP && read_pairs(str_from(message, 1), out);
}

bool oauth_read_xoauth2(struct str message, struct oauth_message *out)
{
    const struct str name = STR("user=");
    *out = (struct oauth_message){STR_EMPTY, STR_EMPTY};
    size_t end = str_chr(message, KVSEP);
    if (end == STR_NONE || !str_starts(message, name))
        return false;
    out->user = str_sub(message, name.n, end);
    return read_pairs(str_from(message, end + 1), out);
}

bool oauth_user(struct str name, char *out, size_t size)
{
    size_t n = 0;
    if (size > 0)
        out[0] = '\0';
    for (size_t i = 0; i < name.n; i++) {
        char c = name.s[i];
        struct str code = str_sub(name, i, i + 3);
        if (c == '\0' || n + 1 >= size)
            return false;
        if (c == '=') {
            if (!str_eq(code, STR("=2C")) && !str_eq(code, STR("=3D")))
                return false;
            c = code.s[1] == '2' ? ',' : '=';
            i += 2;
        }
        out[n++] = c;
    }
    if (size > 0)
        out[n] = '\0';
    return size > 0;
}

/* --- what the client is told --- */

static void put_base64(struct buf *out, struct str in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < in.n; i += 3) {
        struct str group = str_sub(in, i, i + 3);
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < group.n ? (unsigned char)group.s[k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_addc(out, k <= group.n ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

/* "name":"text", if there is one and it fits. */
static void put_member(struct buf *json, const char *name, const char *text)
{
    size_t before = json->n;
    if (text == NULL || *text == '\0')
        return;
    buf_addf(json, ",\"%s\":\"", name);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == 0x7f)
            buf_addf(json, "\\u%04x", c);
        else
            buf_addf(json, "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
    }
    buf_addc(json, '"');
    if (!buf_ok(json) || json->n >= json->max) { /* the last byte is for the brace */
        json->failed = false;
        buf_cut(json, before);
    }
}

void oauth_error_put(struct buf *out, const struct conf_oauth *conf, bool xoauth2,
                     enum oauth_error error)
{
    static const char *const names[] = {
        [OAUTH_INVALID_TOKEN] = "invalid_token",
        [OAUTH_INSUFFICIENT_SCOPE] = "insufficient_scope",
    };
    char room[OAUTH_ERROR_MAX];
    struct buf json = BUF_OVER(room);
    if (xoauth2)
        buf_addf(&json, "{\"status\":\"%s\",\"schemes\":\"bearer\"",
                 error == OAUTH_INVALID_TOKEN ? "401" : "403");
    else
        buf_addf(&json, "{\"status\":\"%s\"", names[error]);
    if (!xoauth2)
        put_member(&json, "openid-configuration", conf->configuration);
    put_member(&json, "scope", conf->scope);
    buf_addc(&json, '}');
    put_base64(out, buf_str(&json));
}
