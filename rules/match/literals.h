/*
 * literals: words of which every match of a pattern holds at least one, in lower case. What has no
 * such word takes no part in the search for words and is always tried.
 *
 * The pattern is read with a small parser of its own. It need not know all of the language: at
 * whatever it does not know it says "no words", which costs time and never a match.
 */
#ifndef POTERNE_RULES_LITERALS_H
#define POTERNE_RULES_LITERALS_H

#include "rules/match/regex.h"

#define LITERALS_MAX        256 /* words for one pattern */
#define LITERALS_BYTES_MIN  3   /* shorter words stand in nearly every text */
#define LITERALS_BYTES_MAX  24
#define LITERALS_NEST_MAX   50
#define LITERALS_BEFORE_MAX 100

struct literals {
    struct str *list;
    size_t n; /* 0: none are known */
    /* Each match holds a word that begins at most so many bytes behind the match's beginning;
     * STR_NONE: more than LITERALS_BEFORE_MAX, or not known. */
    size_t before;
    double cost; /* how many places of mail hold one of them, roughly; more when `before` is open */
};

/* The words live in the pool. A pool that is used up only means "no words". */
struct literals literals_of(struct pool *pool, const struct regex_literal *pattern);

#endif
