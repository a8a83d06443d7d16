#include "gateway/smtp/address.h"

#include "base/ascii.h"

#include <arpa/inet.h>

#define HELO_NAME_MAX 255

/* RFC 5322 3.2.3 */
static bool is_atext(unsigned char c)
{
    return ascii_is_alnum((char)c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Length of the UTF-8 sequence at s (RFC 3629: shortest form, no surrogates); 0: none. */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || n < len)
        return 0;
    unsigned code = s[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[len] || code > 0x10ffff || surrogate ? 0 : len;
}

/* Takes one character that `ok` allows, or one of UTF-8, off *rest and into the address. */
static bool take_char(struct str *rest, struct smtp_address *a, bool (*ok)(unsigned char))
{
    if (rest->n == 0)
        return false;
    unsigned char c = (unsigned char)rest->s[0];
    size_t len = 1;
    if (c >= 0x80) {
        len = utf8_length((const unsigned char *)rest->s, rest->n);
        a->utf8 = true;
        if (len == 0)
            return false;
    } else if (!ok(c)) {
        return false;
    }
    if (a->n + len > SMTP_ADDRESS_MAX)
        return false;
    memcpy(a->text + a->n, rest->s, len);
    a->n += len;
    *rest = str_from(*rest, len);
    return true;
}

static bool take(struct str *rest, char c)
{
    if (rest->n == 0 || rest->s[0] != c)
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

static bool is_atext_or_dot(unsigned char c)
{
    return c == '.' || is_atext(c);
}

/* qtextSMTP and the second half of a quoted pair */
static bool is_quotable(unsigned char c)
{
    return c >= ' ' && c <= '~';
}

/* The quotes go when what they hold is a dot string anyway. */
static void unquote(struct smtp_address *a)
{
    struct str inner = str_sub(str_n(a->text, a->n), 1, a->n - 1);
    if (inner.n == 0)
        return;
    for (size_t i = 0; i < inner.n; i++) {
        unsigned char c = (unsigned char)inner.s[i];
        if (c < 0x80 && !is_atext_or_dot(c))
            return;
    }
    memmove(a->text, inner.s, inner.n);
    a->n = inner.n;
}

static bool take_quoted(struct str *rest, struct smtp_address *a)
{
    a->text[a->n++] = '"';
    while (rest->n && rest->s[0] != '"') {
        if (rest->s[0] == '\\' && !take_char(rest, a, is_quotable))
            return false;
        if (!take_char(rest, a, is_quotable))
            return false;
    }
    if (!take(rest, '"') || a->n == SMTP_ADDRESS_MAX)
        return false;
    a->text[a->n++] = '"';
    unquote(a);
    return true;
}

static bool take_local_part(struct str *rest, struct smtp_address *a)
{
    if (take(rest, '"'))
        return take_quoted(rest, a);
    while (rest->n && rest->s[0] != '@' && rest->s[0] != '>')
        if (!take_char(rest, a, is_atext_or_dot))
            return false;
    return a->n > 0;
}

static bool is_domain_char(unsigned char c)
{
    return ascii_is_alnum((char)c) || c == '-' || c == '_';
}

static bool take_label(struct str *rest, struct smtp_address *a)
{
    size_t start = a->n;
    while (rest->n && strchr(".>:,", rest->s[0]) == NULL)
        if (!take_char(rest, a, is_domain_char))
            return false;
    size_t n = a->n - start;
    return n > 0 && n <= SMTP_LABEL_MAX && a->text[start] != '-' && a->text[a->n - 1] != '-';
}

static bool take_name(struct str *rest, struct smtp_address *a)
{
    size_t start = a->n;
    if (!take_label(rest, a))
        return false;
    while (take(rest, '.')) {
        if (a->n == SMTP_ADDRESS_MAX)
            return false;
        a->text[a->n++] = '.';
        if (!take_label(rest, a))
            return false;
    }
    return a->n - start <= SMTP_DOMAIN_MAX;
}

/* RFC 5321 4.1.3; tags other than IPv6 are not in use */
static bool literal_valid(struct str inner)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    bool v6 = str_istarts(inner, STR("IPv6:"));
    if (!str_copy(v6 ? str_from(inner, 5) : inner, text, sizeof text))
        return false;
    return inet_pton(v6 ? AF_INET6 : AF_INET, text, address) == 1;
}

static bool take_literal(struct str *rest, struct smtp_address *a)
{
    size_t end = str_chr(*rest, ']');
    if (end == STR_NONE || !literal_valid(str_sub(*rest, 1, end)))
        return false;
    end++;
    if (a->n + end > SMTP_ADDRESS_MAX)
        return false;
    memcpy(a->text + a->n, rest->s, end);
    a->n += end;
    *rest = str_from(*rest, end);
    return true;
}

static bool take_domain(struct str *rest, struct smtp_address *a)
{
    if (rest->n && rest->s[0] == '[')
        return take_literal(rest, a);
    return take_name(rest, a);
}

/* "@one,@two:" in front of the mailbox: syntax checked, then forgotten (RFC 5321 C) */
static bool drop_source_route(struct str *rest)
{
    if (rest->n == 0 || rest->s[0] != '@')
        return true;
    do {
        struct smtp_address hop = {.n = 0};
        if (!take(rest, '@') || !take_domain(rest, &hop))
            return false;
    } while (take(rest, ','));
    return take(rest, ':');
}

bool smtp_address_parse(struct str *rest, struct smtp_address *a)
{
    a->n = 0;
    a->has_domain = false;
    a->utf8 = false;
    if (!take(rest, '<'))
        return false;
    if (take(rest, '>'))
        return true;
    if (!drop_source_route(rest) || !take_local_part(rest, a))
        return false;
    if (take(rest, '@')) {
        if (a->n == SMTP_ADDRESS_MAX)
            return false;
        a->text[a->n++] = '@';
        a->has_domain = true;
        if (!take_domain(rest, a))
            return false;
    }
    return take(rest, '>');
}

bool smtp_helo_name_valid(struct str name)
{
    if (name.n == 0 || name.n > HELO_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n;) {
        unsigned char c = (unsigned char)name.s[i];
        size_t len = 1;
        if (c >= 0x80)
            len = utf8_length((const unsigned char *)name.s + i, name.n - i);
        else if (!is_domain_char(c) && strchr(".:[]", c) == NULL)
            return false;
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
