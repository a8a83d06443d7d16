#include "base/str.h"

#include <stdlib.h>

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (str_lower_char(a.s[i]) != str_lower_char(b.s[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.s, b.s, n) : 0;
    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str x, struct str head)
{
    return x.n >= head.n && str_eq(str_sub(x, 0, head.n), head);
}

bool str_istarts(struct str x, struct str head)
{
    return x.n >= head.n && str_ieq(str_sub(x, 0, head.n), head);
}

bool str_ends(struct str x, struct str tail)
{
    return x.n >= tail.n && str_eq(str_from(x, x.n - tail.n), tail);
}

bool str_iends(struct str x, struct str tail)
{
    return x.n >= tail.n && str_ieq(str_from(x, x.n - tail.n), tail);
}

size_t str_find(struct str x, struct str what)
{
    if (what.n == 0)
        return 0;
    if (x.n < what.n)
        return STR_NONE;
    const char *at = memmem(x.s, x.n, what.s, what.n);
    return at ? (size_t)(at - x.s) : STR_NONE;
}

size_t str_ifind(struct str x, struct str what)
{
    if (what.n == 0)
        return 0;
    char first = str_lower_char(what.s[0]);
    for (size_t i = 0; i + what.n <= x.n; i++) {
        if (str_lower_char(x.s[i]) == first && str_ieq(str_sub(x, i, i + what.n), what))
            return i;
    }
    return STR_NONE;
}

size_t str_chr(struct str x, char c)
{
    const char *at = x.n ? memchr(x.s, c, x.n) : NULL;
    return at ? (size_t)(at - x.s) : STR_NONE;
}

size_t str_rchr(struct str x, char c)
{
    const char *at = x.n ? memrchr(x.s, c, x.n) : NULL;
    return at ? (size_t)(at - x.s) : STR_NONE;
}

static bool is_mail_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_is_ascii(struct str x)
{
    unsigned char all = 0;
    for (size_t i = 0; i < x.n; i++)
        all |= (unsigned char)x.s[i];
    return all < 0x80;
}

struct str str_trim(struct str x)
{
    while (x.n && is_mail_space(x.s[0])) {
        x.s++;
        x.n--;
    }
    while (x.n && is_mail_space(x.s[x.n - 1]))
        x.n--;
    return x;
}

bool str_next(struct str *rest, char sep, struct str *piece)
{
    if (rest->s == NULL)
        return false;
    size_t at = str_chr(*rest, sep);
    if (at == STR_NONE) {
        *piece = *rest;
        *rest = STR_EMPTY;
        return true;
    }
    *piece = str_sub(*rest, 0, at);
    *rest = str_from(*rest, at + 1);
    return true;
}

bool str_next_line(struct str *rest, struct str *line)
{
    if (rest->n == 0)
        return false;
    size_t at = str_chr(*rest, '\n');
    size_t end = at == STR_NONE ? rest->n : at;
    *line = str_sub(*rest, 0, end);
    *rest = str_from(*rest, at == STR_NONE ? end : at + 1);
    if (at != STR_NONE && line->n && line->s[line->n - 1] == '\r')
        line->n--;
    return true;
}

bool str_to_u64(struct str x, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (x.n == 0)
        return false;
    for (size_t i = 0; i < x.n; i++) {
        if (x.s[i] < '0' || x.s[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(x.s[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (sum > max)
        return false;
    *value = sum;
    return true;
}

bool str_to_double(struct str x, double *value)
{
    char text[64];
    char *end;
    bool digit = false;
    for (size_t i = 0; i < x.n; i++) {
        bool sign = (x.s[i] == '-' || x.s[i] == '+') && i == 0;
        bool number = x.s[i] >= '0' && x.s[i] <= '9';
        if (!sign && !number && x.s[i] != '.')
            return false;
        digit |= number;
    }
    if (!digit || !str_copy(x, text, sizeof text))
        return false;
    *value = strtod(text, &end);
    return *end == '\0';
}

uint64_t str_hash(struct str x)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < x.n; i++)
        h = (h ^ (unsigned char)x.s[i]) * 0x100000001b3u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ (h >> 32);
}

bool str_copy(struct str x, char *out, size_t size)
{
    if (size == 0)
        return false;
    out[0] = '\0';
    if (x.n >= size || str_chr(x, '\0') != STR_NONE)
        return false;
    if (x.n)
        memcpy(out, x.s, x.n);
    out[x.n] = '\0';
    return true;
}
