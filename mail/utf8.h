/*
 * utf8: single characters of UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above
 * U+10FFFF).
 */
#ifndef POTERNE_MAIL_UTF8_H
#define POTERNE_MAIL_UTF8_H

#include "base/str.h"

#define UTF8_BAD     UINT32_MAX
#define UTF8_REPLACE 0xfffdu /* stands for what could not be converted */

/* Writes 1 to 4 bytes; returns how many. What is no character becomes U+FFFD. */
static inline size_t utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = UTF8_REPLACE;
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The character at *at, which must be below x.n, and moves behind it; UTF8_BAD for a byte that
 * starts none, and moves by one. */
static inline uint32_t utf8_next(struct str x, size_t *at)
{
    const unsigned char *p = (const unsigned char *)x.s + *at;
    size_t left = x.n - *at;
    uint32_t c = p[0];
    *at += 1;
    if (c < 0x80)
        return c;
    size_t more = c >= 0xc2 && c < 0xe0   ? 1
                  : c >= 0xe0 && c < 0xf0 ? 2
                  : c >= 0xf0 && c < 0xf5 ? 3
                                          : 0;
    if (more == 0 || left <= more)
        return UTF8_BAD;
    c &= 0x3fu >> more;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return UTF8_BAD;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < (more == 3   ? 0x10000u
             : more == 2 ? 0x800u
                         : 0x80u) ||
        c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return UTF8_BAD;
    *at += more;
    return c;
}

/* As much of the text as there is room for, each byte that belongs to no character as U+FFFD; how
 * many bytes. */
static inline size_t utf8_mend(struct str x, char *to, size_t room)
{
    size_t n = 0;
    for (size_t at = 0; at < x.n && n + 4 <= room;) {
        uint32_t c = utf8_next(x, &at);
        n += utf8_put(to + n, c == UTF8_BAD ? UTF8_REPLACE : c);
    }
    return n;
}

/* Position of the first byte at or after `from` that is not ASCII, or x.n. */
static inline size_t utf8_ascii_end(struct str x, size_t from)
{
    uint64_t word;
    while (x.n - from >= sizeof word) {
        memcpy(&word, x.s + from, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
        from += sizeof word;
    }
    while (from < x.n && (unsigned char)x.s[from] < 0x80)
        from++;
    return from;
}

/* Position of the first byte that belongs to no character, or x.n. */
static inline size_t utf8_valid_end(struct str x)
{
    size_t at = 0;
    for (;;) {
        at = utf8_ascii_end(x, at);
        if (at == x.n)
            return at;
        size_t start = at;
        if (utf8_next(x, &at) == UTF8_BAD)
            return start;
    }
}

/* The longest head of x of at most n bytes that does not cut a character. */
static inline struct str utf8_head(struct str x, size_t n)
{
    if (x.n <= n)
        return x;
    while (n && ((unsigned char)x.s[n] & 0xc0) == 0x80)
        n--;
    return str_sub(x, 0, n);
}

#endif
