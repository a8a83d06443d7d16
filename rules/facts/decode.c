#include "rules/facts/decode.h"

#include "mail/transfer.h"

struct str decode_crlf(struct pool *pool, struct str in)
{
    size_t first = str_find(in, STR("\r\n"));
    if (first == STR_NONE)
        return in;
    char *out = pool_alloc(pool, in.n);
    size_t n = 0, at = 0;
    while (out && at < in.n) {
        const char *cr = memchr(in.s + at, '\r', in.n - at);
        size_t end = cr ? (size_t)(cr - in.s) : in.n;
        memcpy(out + n, in.s + at, end - at);
        n += end - at;
        if (end < in.n && (end + 1 == in.n || in.s[end + 1] != '\n'))
            out[n++] = '\r';
        at = end + 1;
    }
    return str_n(out, n);
}

/* Blanks before a line end and soft line breaks left out: joined lines may complete a "=XX". */
static size_t join_lines(struct str in, char *out)
{
    size_t n = 0, at = 0;
    while (at < in.n) {
        const char *lf = memchr(in.s + at, '\n', in.n - at);
        size_t next = lf ? (size_t)(lf - in.s) + 1 : in.n;
        size_t end = lf ? next - 1 : next;
        if (lf) {
            bool cr = end > at && in.s[end - 1] == '\r';
            end -= cr;
            while (end > at && (in.s[end - 1] == ' ' || in.s[end - 1] == '\t'))
                end--;
        }
        bool soft = lf && end > at && in.s[end - 1] == '=';
        memcpy(out + n, in.s + at, end - at - soft);
        n += end - at - soft;
        if (lf && !soft)
            out[n++] = '\n';
        at = next;
    }
    return n;
}

struct str decode_qp(struct pool *pool, struct str in)
{
    char *p = pool_alloc(pool, in.n + 1);
    if (p == NULL)
        return STR_EMPTY;
    struct str joined = str_n(p, join_lines(in, p));
    size_t n = 0, at = 0;
    while (at < joined.n) {
        const char *equals = memchr(p + at, '=', joined.n - at);
        size_t end = equals ? (size_t)(equals - p) : joined.n;
        if (n < at)
            memmove(p + n, p + at, end - at);
        n += end - at;
        at = end;
        if (at == joined.n)
            break;
        int byte = hex_byte(joined, at + 1);
        p[n++] = byte < 0 ? '=' : (char)byte;
        at += byte < 0 ? 1 : 3;
    }
    return decode_crlf(pool, str_n(p, n));
}

static int base64_value(unsigned char c)
{
    static const signed char values[128] = {
        ['+'] = 63, ['/'] = 64, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,
        ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['A'] = 1,  ['B'] = 2,
        ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,  ['I'] = 9,
        ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
        ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23,
        ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,
        ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,
        ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,
        ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51,
        ['z'] = 52,
    };
    return c < 128 ? values[c] - 1 : -1;
}

/* The digits' values, '=' as 64; *strange when something else than blanks stood between. */
static size_t base64_digits(struct str in, unsigned char *out, bool *strange)
{
    size_t n = 0;
    *strange = false;
    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.s[i];
        int value = base64_value(c);
        if (value >= 0)
            out[n++] = (unsigned char)value;
        else if (c == '=')
            out[n++] = 64;
        else if (c != ' ' && (c < '\t' || c > '\r'))
            *strange = true;
    }
    return n;
}

/* A '=' that is not at the end counts as digit 0 where all else is in order, else as digit 63. */
struct str decode_base64(struct pool *pool, struct str in)
{
    bool strange;
    unsigned char *p = pool_alloc(pool, in.n + 4);
    if (p == NULL)
        return STR_EMPTY;
    size_t digits = base64_digits(in, p, &strange);
    unsigned char equals = strange || digits % 4 != 0 ? 63 : 0;
    while (digits && p[digits - 1] == 64)
        digits--;
    size_t n = 0, at = 0;
    for (; at < digits; at += 4) {
        size_t left = digits - at < 4 ? digits - at : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            unsigned char value = i < left ? p[at + i] : 0;
            group = group << 6 | (value == 64 ? equals : value);
        }
        if (left > 1)
            p[n++] = (unsigned char)(group >> 16);
        if (left > 2)
            p[n++] = (unsigned char)(group >> 8);
        if (left > 3)
            p[n++] = (unsigned char)group;
    }
    return str_n((char *)p, n);
}
