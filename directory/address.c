#include "directory/address.h"

#include "base/ascii.h"
#include "base/domain.h"

/* Quoted, with each byte escaped: what is read at most, and written at most. */
#define LOCAL_SIZE (2 * ADDRESS_LOCAL_MAX + 2)

struct local {
    char s[LOCAL_SIZE];
    size_t n;
    bool lower; /* letters are taken in lower case */
};

static void take(struct local *local, char c)
{
    local->s[local->n++] = local->lower ? str_lower_char(c) : c;
}

/* RFC 5322 3.2.3, and UTF-8 as RFC 6531 3.3 adds it */
static bool is_atext(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 0x80 || ascii_is_alnum(c) || (u && strchr("!#$%&'*+-/=?^_`{|}~", u));
}

static bool is_dot_atom(const struct local *local)
{
    bool dot = true;
    for (size_t i = 0; i < local->n; i++) {
        if (local->s[i] == '.' ? dot : !is_atext(local->s[i]))
            return false;
        dot = local->s[i] == '.';
    }
    return !dot;
}

/* What stands between the quotes, escapes resolved. */
static bool unquote(struct str text, struct local *local)
{
    if (text.n < 2 || text.s[text.n - 1] != '"')
        return false;
    for (size_t i = 1; i + 1 < text.n; i++) {
        char c = text.s[i];
        if (c == '"')
            return false;
        if (c == '\\') {
            if (++i + 1 >= text.n)
                return false;
            c = text.s[i];
        }
        if ((unsigned char)c < ' ' || c == 127)
            return false;
        take(local, c);
    }
    return local->n > 0;
}

/* Dots in places where they should not be are met in real addresses, without quotes. */
static bool take_plain(struct str text, struct local *local)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] != '.' && !is_atext(text.s[i]))
            return false;
        take(local, text.s[i]);
    }
    return true;
}

static void quote(struct local *local)
{
    struct local quoted = {.n = 0};
    quoted.s[quoted.n++] = '"';
    for (size_t i = 0; i < local->n; i++) {
        if (local->s[i] == '"' || local->s[i] == '\\')
            quoted.s[quoted.n++] = '\\';
        quoted.s[quoted.n++] = local->s[i];
    }
    quoted.s[quoted.n++] = '"';
    *local = quoted;
}

static bool read_address(struct str text, bool catch_all, bool lower, struct address *out)
{
    struct local local = {.lower = lower};
    char domain[DOMAIN_SIZE];
    size_t at = str_rchr(text, '@');
    if (at == STR_NONE || at > LOCAL_SIZE || (at == 0 && !catch_all))
        return false;
    struct str part = str_sub(text, 0, at);
    bool good = str_starts(part, STR("\"")) ? unquote(part, &local) : take_plain(part, &local);
    if (!good || local.n > ADDRESS_LOCAL_MAX || !domain_normal(str_from(text, at + 1), domain))
        return false;
    if (local.n && !is_dot_atom(&local))
        quote(&local);
    size_t domain_n = strlen(domain);
    if (local.n + 1 + domain_n > ADDRESS_MAX)
        return false;
    memcpy(out->text, local.s, local.n);
    out->text[local.n] = '@';
    memcpy(out->text + local.n + 1, domain, domain_n + 1);
    out->local_n = local.n;
    return true;
}

bool address_normal(struct str text, bool catch_all, struct address *out)
{
    return read_address(text, catch_all, true, out);
}

bool address_written(struct str text, struct address *out)
{
    return read_address(text, false, false, out);
}
