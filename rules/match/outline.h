/*
 * outline: what a pattern's matches look like, roughly: a window of a few bytes that each match
 * has in it, and for each of these bytes the set of those that may stand there; or several such
 * windows of which each match has one. For patterns without a word that could be searched for:
 * letters that are written in many ways ("v1agr4"), digits, runs of blanks.
 */
#ifndef POTERNE_RULES_MATCH_OUTLINE_H
#define POTERNE_RULES_MATCH_OUTLINE_H

#include "rules/match/tree.h"

#define OUTLINE_BYTES      8
#define OUTLINE_BEFORE_MAX 100
#define OUTLINE_MAX        200     /* windows for one pattern */
#define OUTLINE_DEPTH_MAX  6       /* groups inside one another that are looked into */
#define OUTLINE_STEPS_MAX  4000000 /* of work for one pattern */

struct outline {
    struct byteset at[1 + OUTLINE_BYTES]; /* the first: the byte before the window */
    /* Where there are matches, one of them begins at most so many bytes before the window (what a
     * pattern may begin with, but need not, is left out); STR_NONE: more than OUTLINE_BEFORE_MAX.
     */
    size_t before;
    double frequency; /* how many places of mail look like this, roughly; 1: all */
};

struct outline_list {
    struct outline list[OUTLINE_MAX];
    size_t n; /* 0: nothing is known, or it was too much work to find out */
    /* Less is better: the sum of frequencies, where one that leaves open where its match begins
     * counts more, and the price of looking for so many. */
    double cost;
};

#define OUTLINE_COST_OPEN 20     /* times more than one from a known place */
#define OUTLINE_COST_EACH 0.0001 /* beside what it lets through */
#define OUTLINE_COST_GOOD 0.0003 /* no better one is looked for */

/* The windows that fit fewest places. The byte before the first of a text counts as a line end. */
void outline_of(const struct tree *tree, struct outline_list *found);

#endif
