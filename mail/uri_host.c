#include <idn2.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>

#include "mail/transfer.h"
#include "mail/uri.h"
#include "mail/utf8.h"

/* The full stops of IDNA 2003 that are no '.': U+3002, U+FF0E, U+FF61. */
static bool is_wide_dot(const char *p)
{
    return memcmp(p, "\xe3\x80\x82", 3) == 0 || memcmp(p, "\xef\xbc\x8e", 3) == 0 ||
           memcmp(p, "\xef\xbd\xa1", 3) == 0;
}

/* Decoded and in lower case, with ASCII dots; the length, or STR_NONE when it is too long. */
static size_t plain_host(struct str x, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < x.n; i++) {
        int byte = x.s[i] == '%' ? hex_byte(x, i + 1) : -1;
        if (byte >= 0)
            i += 2;
        if (n + 1 == size)
            return STR_NONE;
        out[n++] = str_lower_char(byte >= 0 ? (char)byte : x.s[i]);
        if (n >= 3 && is_wide_dot(out + n - 3)) {
            n -= 2;
            out[n - 1] = '.';
        }
    }
    while (n && out[n - 1] == '.')
        n--;
    out[n] = '\0';
    return n;
}

/* Without "user:password@" and ":port". */
static struct str bare_host(struct str x)
{
    size_t at = str_rchr(x, '@');
    if (at != STR_NONE)
        x = str_from(x, at + 1);
    if (x.n && x.s[0] == '[')
        return str_sub(x, 0, str_chr(x, ']') == STR_NONE ? x.n : str_chr(x, ']') + 1);
    return str_sub(x, 0, str_chr(x, ':'));
}

/* One number of an IPv4 address: decimal, 0octal or 0xhexadecimal. */
static bool read_number(struct str x, uint64_t *value)
{
    unsigned base = 10;
    if (str_istarts(x, STR("0x"))) {
        base = 16;
        x = str_from(x, 2);
    } else if (x.n > 1 && x.s[0] == '0') {
        base = 8;
        x = str_from(x, 1);
    }
    *value = 0;
    for (size_t i = 0; i < x.n; i++) {
        int digit = hex_digit(x.s[i]);
        if (digit < 0 || (unsigned)digit >= base || *value > UINT32_MAX)
            return false;
        *value = *value * base + (unsigned)digit;
    }
    return x.n > 0 || base == 16;
}

/* All the forms that browsers take (WHATWG URL 3.5): one to four numbers, the last fills up. */
static bool read_ipv4(struct str host, uint32_t *address)
{
    uint64_t number[4];
    struct str label;
    unsigned n = 0;
    while (str_next(&host, '.', &label)) {
        if (n == 4 || !read_number(label, &number[n]))
            return false;
        n++;
    }
    *address = 0;
    for (unsigned i = 0; i + 1 < n; i++) {
        if (number[i] > 255)
            return false;
        *address |= (uint32_t)number[i] << (24 - 8 * i);
    }
    if (n == 0 || number[n - 1] >= UINT64_C(1) << (8 * (5 - n)))
        return false;
    *address |= (uint32_t)number[n - 1];
    return true;
}

static bool to_ascii(char *host, size_t *n)
{
    char *ascii = NULL;
    int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    int result = idn2_to_ascii_8z(host, &ascii, flags);
    bool ok = result == IDN2_OK && strlen(ascii) <= HOST_MAX;
    if (ok) {
        *n = strlen(ascii);
        memcpy(host, ascii, *n + 1);
    }
    if (result == IDN2_OK)
        idn2_free(ascii);
    return ok;
}

/* Of ASCII only what host names and the links in mail have; the rest is another sort of text. */
static bool is_host(struct str host)
{
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.s[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && c < 0x80 && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.n > 0 && host.s[0] != '.' && str_find(host, STR("..")) == STR_NONE;
}

static bool is_ipv6(struct str host)
{
    if (host.n < 4 || host.s[0] != '[' || host.s[host.n - 1] != ']')
        return false;
    for (size_t i = 1; i + 1 < host.n; i++)
        if (hex_digit(host.s[i]) < 0 && host.s[i] != ':' && host.s[i] != '.')
            return false;
    return true;
}

bool uri_host(struct str authority, char *out, size_t *n)
{
    uint32_t address;
    char text[HOST_MAX * 4];
    size_t len = plain_host(bare_host(authority), text, sizeof text);
    if (len == STR_NONE || len == 0)
        return false;
    struct str host = str_n(text, len);
    *n = len;
    if (is_ipv6(host))
        return str_copy(host, out, HOST_MAX + 1);
    if (!is_host(host) || utf8_valid_end(host) < host.n)
        return false;
    if (utf8_ascii_end(host, 0) < len && !to_ascii(text, &len))
        return false;
    host.n = len;
    if (read_ipv4(host, &address)) {
        *n = (size_t)snprintf(out, HOST_MAX + 1, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                              address >> 8 & 255, address & 255);
        return true;
    }
    *n = len;
    return str_copy(host, out, HOST_MAX + 1);
}

struct str uri_domain(const char *host)
{
    struct str whole = str_of(host);
    if (whole.n == 0 || whole.s[0] == '[' ||
        (whole.s[whole.n - 1] >= '0' && whole.s[whole.n - 1] <= '9'))
        return STR_EMPTY;
    const char *domain = psl_registrable_domain(psl_builtin(), host);
    return str_of(domain);
}

bool uri_tld_exists(const char *host)
{
    size_t dot = str_rchr(str_of(host), '.');
    if (dot == STR_NONE || host[dot + 1] == '\0')
        return false;
    return psl_is_public_suffix2(psl_builtin(), host + dot + 1,
                                 PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}
