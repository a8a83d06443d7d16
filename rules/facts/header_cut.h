/*
 * header_cut: for header.c: the fields of a header as SpamAssassin keeps them, and what :host,
 * :domain, :ip and :revip cut out of a value.
 */
#ifndef POTERNE_RULES_HEADER_CUT_H
#define POTERNE_RULES_HEADER_CUT_H

#include "rules/facts/header.h"

struct header_field {
    struct str name;  /* as written, without blanks before the colon */
    uint32_t key;     /* header_key() of it */
    struct str value; /* raw: LF line ends, the last one included, the blank in front too */
    struct str line;  /* the value decoded, a line end behind it; .s NULL: not asked for yet */
    struct str whole; /* as it was received, its line end included; .s NULL: not known */
    bool hidden;      /* X-Spam-…: what another filter said, which no rule sees but in ALL:raw */
};

struct header_fields {
    struct header_field *list;
    size_t n;
};

/* Of names that are the same but for case, the same number; of most others another. */
static inline uint32_t header_key(struct str name)
{
    if (name.n == 0)
        return 0;
    uint32_t first = (unsigned char)name.s[0] | 32, middle = (unsigned char)name.s[name.n / 2] | 32;
    uint32_t last = (unsigned char)name.s[name.n - 1] | 32;
    return (uint32_t)(name.n & 0xff) << 24 | first << 16 | middle << 8 | last;
}

/* The message's own; made once. -1: the pool is used up. */
int header_fields(struct facts *facts, struct header_fields *fields);

/* A copy with LF line ends, one of them at the end. .s NULL: no memory. */
struct str header_line_ends(struct pool *pool, struct str text);

/* .s NULL: there is none in it. */
struct str header_cut(struct facts *facts, const struct query *query, struct str value);

#endif
