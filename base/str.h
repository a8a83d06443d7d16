/*
 * str: a length-carrying view of bytes. It owns nothing, may hold NUL bytes and is not
 * NUL-terminated; whoever made the bytes keeps them alive. `s` may be NULL only when n is 0.
 * All case folding is ASCII only, as mail's own syntax asks (RFC 5321 2.4, RFC 5322 1.2.2).
 */
#ifndef POTERNE_BASE_STR_H
#define POTERNE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *s;
    size_t n;
};

#define STR_NONE     ((size_t)-1)
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_EMPTY    ((struct str){NULL, 0})
/* for printf's "%.*s"; such a text must be shorter than 2 GiB */
#define STR_ARG(x) (int)(x).n, (x).n ? (x).s : ""

static inline struct str str_of(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct str str_n(const char *s, size_t n)
{
    return (struct str){s, n};
}

/* The bytes from..to (to excluded); positions past the end are clamped. */
static inline struct str str_sub(struct str x, size_t from, size_t to)
{
    if (to > x.n)
        to = x.n;
    if (from > to)
        from = to;
    return (struct str){x.s ? x.s + from : NULL, to - from};
}

static inline struct str str_from(struct str x, size_t from)
{
    return str_sub(x, from, x.n);
}

static inline char str_lower_char(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq(struct str a, struct str b);
bool str_ieq(struct str a, struct str b);
int str_cmp(struct str a, struct str b);
bool str_starts(struct str x, struct str head);
bool str_istarts(struct str x, struct str head);
bool str_ends(struct str x, struct str tail);
bool str_iends(struct str x, struct str tail);

/* Position of the first occurrence, or STR_NONE. */
size_t str_find(struct str x, struct str what);
size_t str_ifind(struct str x, struct str what);
size_t str_chr(struct str x, char c);
size_t str_rchr(struct str x, char c);

/* No byte above 0x7f. */
bool str_is_ascii(struct str x);

/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str x);

/* Takes the piece before `sep` off the front of *rest; false once *rest is used up. */
bool str_next(struct str *rest, char sep, struct str *piece);

/* Takes the line before LF off *rest (LF and a CR before it left out); false at the end. */
bool str_next_line(struct str *rest, struct str *line);

/* A whole decimal number and nothing else; false when malformed or above max. */
bool str_to_u64(struct str x, uint64_t max, uint64_t *value);
/* A decimal number with sign and fraction, no exponent, at most 63 characters. */
bool str_to_double(struct str x, double *value);

/* 64-bit hash (FNV-1a, then mixed); for tables, not against an adversary. */
uint64_t str_hash(struct str x);

/* Copies with a final NUL into out; false (and out empty) when it does not fit or holds NUL. */
bool str_copy(struct str x, char *out, size_t size);

#endif
