/*
 * outline: what a pattern's matches look like, roughly: a window of a few bytes that each match
 * has in it, and for each of these bytes the set of those that may stand there. For patterns
 * without a word that could be searched for: letters that are written in many ways ("v1agr4"),
 * digits, runs of blanks.
 */
#ifndef POTERNE_RULES_MATCH_OUTLINE_H
#define POTERNE_RULES_MATCH_OUTLINE_H

#include "rules/match/tree.h"

#define OUTLINE_BYTES      8
#define OUTLINE_BEFORE_MAX 100
#define OUTLINE_STEPS_MAX  1000000 /* of work for one pattern */

struct outline {
    struct byteset at[1 + OUTLINE_BYTES]; /* the first: the byte before the window */
    /* The window begins at most so many bytes behind the match's beginning; STR_NONE: more than
     * OUTLINE_BEFORE_MAX. */
    size_t before;
    double frequency; /* how many places of mail look like this, roughly; 1: all */
};

/*
 * The window that fits fewest places. The byte before the first of a text counts as a line end.
 * False when nothing is known of the pattern's matches, or too much work to find out.
 */
bool outline_of(const struct tree *tree, struct outline *outline);

#endif
