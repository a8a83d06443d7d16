#include "rules/facts/uri_number.h"

#include <stdio.h>

#include "mail/transfer.h"

/* The full stops of IDNA: U+002E U+3002 U+FF0E U+FF61, by either number. */
static bool is_stop(uint32_t code, bool hex)
{
    return (hex && code == '.') || code == 0x3002 || code == 0xff0e || code == 0xff61;
}

/* The character that the reference at x's start means, or 0; *n: its bytes. */
static char read_reference(struct str x, size_t *n)
{
    size_t at = 2, digits = 0;
    uint32_t code = 0;
    bool hex = x.n > 2 && (x.s[2] | 32) == 'x', upper = hex && x.s[2] == 'X';
    for (at += hex; at < x.n; at++, digits++) {
        int digit = hex_digit(x.s[at]);
        if (digit < 0 || (!hex && digit > 9))
            break;
        code = code > 0xffff ? code : code * (hex ? 16 : 10) + (uint32_t)digit;
    }
    *n = at + 1;
    if (digits == 0 || at >= x.n || x.s[at] != ';')
        return 0;
    if (is_stop(code, hex))
        return '.';
    return code > ' ' && code < 0x7f && !upper ? (char)code : 0;
}

size_t uri_number_references(struct str x, char *out)
{
    size_t n = 0, taken;
    for (size_t at = 0; at < x.n;) {
        struct str rest = str_from(x, at);
        char c = str_starts(rest, STR("&#")) ? read_reference(rest, &taken) : 0;
        out[n++] = c ? c : x.s[at];
        at += c ? taken : 1;
    }
    return n;
}

static bool is_number(struct str x, unsigned base)
{
    for (size_t i = 0; i < x.n; i++) {
        int digit = hex_digit(x.s[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
    }
    return x.n > 0;
}

static uint64_t to_number(struct str x, unsigned base)
{
    uint64_t value = 0;
    for (size_t i = 0; i < x.n && value < UINT64_MAX / 32; i++)
        value = value * base + (unsigned)hex_digit(x.s[i]);
    return value;
}

static bool is_hex(struct str x)
{
    return str_istarts(x, STR("0x")) && is_number(str_from(x, 2), 16);
}

/* One of four numbers. */
static size_t write_part(struct str part, char *to, size_t size)
{
    unsigned base = 10;
    if (is_hex(part)) {
        base = 16;
        part = str_from(part, 2);
    } else if (part.n > 1 && part.s[0] == '0') {
        while (part.n && part.s[0] == '0')
            part = str_from(part, 1);
        if (is_number(part, 8) && (part.n < 3 || (part.n == 3 && part.s[0] < '4')))
            base = 8;
    }
    uint64_t value = to_number(part, base);
    int n = value ? snprintf(to, size, "%llu", (unsigned long long)value) : 0;
    return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static struct str four_numbers(struct str host, char *text)
{
    struct str part;
    size_t n = 0;
    unsigned parts = 0;
    while (str_next(&host, '.', &part)) {
        if (parts++ == 4 || (!is_hex(part) && !is_number(part, 10)))
            return STR_EMPTY;
        if (parts > 1)
            text[n++] = '.';
        n += write_part(part, text + n, 24);
    }
    return parts == 4 ? str_n(text, n) : STR_EMPTY;
}

/* One number: its first 32 bits, as it is written in hexadecimal. */
static struct str one_number(uint64_t value, char *text)
{
    while (value > UINT32_MAX)
        value >>= 4;
    int n = snprintf(text, URI_NUMBER_TEXT_MAX, "%u.%u.%u.%u", (unsigned)(value >> 24),
                     (unsigned)(value >> 16 & 255), (unsigned)(value >> 8 & 255),
                     (unsigned)(value & 255));
    return str_n(text, n > 0 ? (size_t)n : 0);
}

struct str uri_number_address(struct str host, char text[URI_NUMBER_TEXT_MAX])
{
    if (str_chr(host, '.') != STR_NONE)
        return four_numbers(host, text);
    if (is_hex(host)) {
        struct str digits = str_from(host, 2);
        return one_number(to_number(str_from(digits, digits.n > 8 ? digits.n - 8 : 0), 16), text);
    }
    return is_number(host, 10) ? one_number(to_number(host, 10), text) : STR_EMPTY;
}
