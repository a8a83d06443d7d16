/*
 * automaton: can a pattern match at one of these places at all? Most places that a filter finds
 * are no matches, and an automaton of the pattern's tree tells so after a few bytes, in much less
 * time than PCRE2 needs to begin. It takes whatever the tree takes, and more: repeats have no upper
 * bound, what stands far behind in a huge pattern is left out.
 *
 * Its states are made while texts are read, by each thread for itself, and kept as long as there
 * is room.
 */
#ifndef POTERNE_RULES_MATCH_AUTOMATON_H
#define POTERNE_RULES_MATCH_AUTOMATON_H

#include "base/err.h"
#include "rules/match/tree.h"

#define AUTOMATON_POSITIONS_MAX 2048 /* bytes of one pattern that are told apart */
#define AUTOMATON_COPIES_MAX    64   /* of them in one repeated group, over all its times */
#define AUTOMATON_STATES_MAX    1000 /* of one pattern that are kept */
#define AUTOMATON_MEMORY_MAX    (64 * 1024 * 1024) /* for the states of all patterns */
/* Bytes that are looked at behind the last place where a match may begin. */
#define AUTOMATON_REACH 64
/* More places than these are left to PCRE2, which looks at the clock. */
#define AUTOMATON_PLACES_MAX 65536

struct automaton;

/* Lives in `pool`; `work` is used and not emptied. NULL: there is none that could ever say no, it
 * would have fewer positions than `least`, or a pool is used up. */
struct automaton *automaton_new(struct pool *pool, struct pool *work, const struct tree *tree,
                                size_t least);

/* What a thread keeps of the states of so many automata, each of which has a number. */
struct automaton_states;

struct automaton_states *automaton_states_new(size_t n, struct err *err);
void automaton_states_free(struct automaton_states **states);

/* False: no match begins at *from to last. Otherwise none begins before *from, which may have
 * grown.
 */
bool automaton_may_match(const struct automaton *automaton, struct automaton_states *states,
                         size_t number, struct str text, size_t *from, size_t last);

#endif
