#include "rules/facts/ip.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/network.h"

#define GROUPS_MAX 8 /* of an IPv6 address */

static bool is_hex(char c)
{
    char low = (char)(c | 32);
    return ascii_is_digit(c) || (low >= 'a' && low <= 'f');
}

static char char_at(struct str text, size_t at)
{
    return at < text.n ? text.s[at] : '\0';
}

/* Bytes of a number from 0 to 255 without needless zeros. */
static size_t octet(struct str text, size_t at)
{
    size_t n = 0;
    unsigned value = 0;
    while (n < 4 && ascii_is_digit(char_at(text, at + n)))
        value = value * 10 + (unsigned)(text.s[at + n++] - '0');
    bool fits = n >= 1 && n <= 3 && value <= 255 && (n == 1 || text.s[at] != '0');
    return fits ? n : 0;
}

/* Four octets; what stands around them is not looked at. */
static size_t dotted(struct str text, size_t at)
{
    size_t i = at;
    for (int k = 0; k < 4; k++) {
        size_t n = octet(text, i);
        if (n == 0)
            return 0;
        i += n;
        if (k < 3 && char_at(text, i++) != '.')
            return 0;
    }
    return i - at;
}

static size_t v4_at(struct str text, size_t at)
{
    if (at > 0 && (ascii_is_word(text.s[at - 1]) || text.s[at - 1] == ':'))
        return 0;
    size_t n = dotted(text, at);
    return n && !ascii_is_word(char_at(text, at + n)) ? n : 0;
}

/* Are these groups of an IPv6 address: `whole` of them, or fewer with one "::"? With `more`
 * something follows behind the last colon. */
static bool groups_fit(struct str x, size_t whole, bool more)
{
    size_t groups = 0, gaps = 0, i = 0;
    if (x.n == 0)
        return false;
    while (i < x.n) {
        size_t hex = 0;
        while (i < x.n && is_hex(x.s[i]) && hex <= 4) {
            i++;
            hex++;
        }
        if (hex > 4)
            return false;
        groups += hex > 0;
        if (i == x.n)
            break;
        if (hex == 0 && i > 0) /* a third colon */
            return false;
        if (i + 1 < x.n && x.s[i + 1] == ':') {
            gaps++;
            i += 2;
        } else if (hex == 0 || (i + 1 == x.n && !more)) {
            return false; /* one colon at an end */
        } else {
            i++;
        }
    }
    return gaps == 0 ? groups == whole : gaps == 1 && groups < whole;
}

static size_t v6_at(struct str text, size_t at)
{
    size_t from = at;
    if (str_istarts(str_from(text, at), STR("IPv6:")))
        from += 5;
    else if (at > 0 && (is_hex(text.s[at - 1]) || text.s[at - 1] == ':'))
        return 0;
    size_t end = from;
    while (end < text.n && (is_hex(text.s[end]) || text.s[end] == ':') && end - from < 48)
        end++;
    struct str run = str_sub(text, from, end);
    size_t colon = str_rchr(run, ':');
    if (colon == STR_NONE)
        return 0;
    size_t quad = dotted(text, from + colon + 1);
    size_t behind = from + colon + 1 + quad;
    if (quad && !is_hex(char_at(text, behind)) && char_at(text, behind) != ':' &&
        groups_fit(str_sub(run, 0, colon + 1), 6, true))
        return behind - at;
    bool ends = !is_hex(char_at(text, end)) && char_at(text, end) != ':';
    return ends && groups_fit(run, GROUPS_MAX, false) ? end - at : 0;
}

size_t ip_at(struct str text, size_t at)
{
    char c = char_at(text, at);
    if (!is_hex(c) && c != ':' && c != 'I' && c != 'i')
        return 0;
    size_t n = ascii_is_digit(c) ? v4_at(text, at) : 0;
    return n ? n : v6_at(text, at);
}

struct str ip_find(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        size_t n = ip_at(text, i);
        if (n)
            return str_sub(text, i, i + n);
    }
    return STR_EMPTY;
}

bool ip_is_v4(struct str text)
{
    return text.n && dotted(text, 0) == text.n;
}

/* The address as 16 bytes; false when it is no IPv6 address. */
static bool v6_read(struct str text, unsigned char address[16])
{
    char copy[INET6_ADDRSTRLEN + 1];
    if (str_istarts(text, STR("IPv6:")))
        text = str_from(text, 5);
    return str_copy(text, copy, sizeof copy) && inet_pton(AF_INET6, copy, address) == 1;
}

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
static const unsigned char loopback[16] = {[15] = 1};

size_t ip_localhost_at(struct str text, size_t at)
{
    static const struct str names[] = {STR("localhost.localdomain"), STR("localhost")};
    unsigned char address[16];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (str_istarts(str_from(text, at), names[i]))
            return names[i].n;
    }
    size_t n = ip_at(text, at);
    struct str found = str_sub(text, at, at + n);
    if (n == 0)
        return 0;
    if (str_eq(found, STR("127.0.0.1")))
        return n;
    if (!v6_read(found, address))
        return 0;
    bool mapped = memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0 &&
                  str_ends(found, STR(":127.0.0.1"));
    return mapped || memcmp(address, loopback, sizeof loopback) == 0 ? n : 0;
}

/* Private use, this machine, link-local, shared by carriers (RFC 1918, 1122, 3927, 6598). */
static bool v4_is_private(unsigned a, unsigned b)
{
    return a == 10 || a == 127 || (a == 169 && b == 254) || (a == 172 && b >= 16 && b <= 31) ||
           (a == 192 && b == 168) || (a == 100 && b >= 64 && b <= 127);
}

bool ip_is_private(struct str text)
{
    unsigned char address[16];
    uint64_t a, b;
    struct str rest = text, first, second;
    if (str_next(&rest, '.', &first) && str_to_u64(first, 255, &a) && rest.n) {
        bool more = str_next(&rest, '.', &second) && str_to_u64(second, 255, &b);
        return a == 10 || a == 127 || (more && v4_is_private((unsigned)a, (unsigned)b));
    }
    size_t n = ip_at(text, 0);
    if (n == 0 || !v6_read(str_sub(text, 0, n), address))
        return false;
    if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
        return true;
    if (memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0)
        return str_chr(text, '.') != STR_NONE && v4_is_private(address[12], address[13]);
    return memcmp(address, loopback, sizeof loopback) == 0;
}

static struct str reverse_v4(struct str text, char out[80])
{
    struct str parts[4], rest = text;
    size_t n = 0;
    for (size_t i = 0; i < 4; i++)
        str_next(&rest, '.', &parts[i]);
    for (size_t i = 4; i-- > 0;) {
        memcpy(out + n, parts[i].s, parts[i].n);
        n += parts[i].n;
        if (i)
            out[n++] = '.';
    }
    return str_n(out, n);
}

struct str ip_reverse(struct str text, char out[80])
{
    unsigned char address[16];
    if (ip_is_v4(text))
        return reverse_v4(text, out);
    return v6_read(text, address) ? str_n(out, network_reverse(address, 16, out)) : STR_EMPTY;
}
