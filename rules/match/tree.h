/*
 * tree: a pattern as a tree of what each of its places can match, read by a small parser of its
 * own. It is for those who ask what every match must hold (outline.h); it need not know all of the
 * language: a tree may match more than the pattern does (look-around is empty, a backreference is
 * anything), never less, and what is not known at all makes no tree, which costs time and never a
 * match.
 */
#ifndef POTERNE_RULES_MATCH_TREE_H
#define POTERNE_RULES_MATCH_TREE_H

#include "rules/match/regex.h"

#define TREE_NEST_MAX 50
#define TREE_ENDLESS  UINT32_MAX /* of most: without end */

struct byteset {
    uint64_t bits[4];
};

enum tree_kind {
    TREE_EMPTY,    /* nothing: a look-around, a switch of flags */
    TREE_BOUNDARY, /* \b, empty too */
    TREE_START,    /* ^ or \A, empty too: behind a line end, or the text begins */
    TREE_BYTE,     /* one byte of `set` */
    TREE_ANYTHING, /* bytes not known, as many as you like */
    TREE_SEQUENCE, /* the children one behind the other */
    TREE_CHOICE,   /* one of the children, which are sequences */
    TREE_REPEAT,   /* the child, least to most times */
};

struct tree {
    enum tree_kind kind;
    uint32_t least, most; /* TREE_REPEAT */
    struct byteset set;   /* TREE_BYTE */
    struct tree *child;   /* the first one */
    struct tree *next;    /* of the same parent */
    /* Of the whole pattern: it gives up ways of matching (atomic groups) or refers to what it has
     * matched, so that leaving out what it may leave out can make it fail. */
    bool rigid;
};

/* Lives in the pool. NULL: not known, or the pool is used up. */
struct tree *tree_read(struct pool *pool, const struct regex_literal *pattern);

static inline bool byteset_has(const struct byteset *set, unsigned char c)
{
    return set->bits[c / 64] >> (c % 64) & 1;
}

/* Those that \w takes and \b tells apart. */
struct byteset byteset_of_words(void);

static inline void byteset_add(struct byteset *set, unsigned char c)
{
    set->bits[c / 64] |= 1ull << (c % 64);
}

#endif
