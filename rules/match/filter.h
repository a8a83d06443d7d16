/*
 * filter: what every match of a pattern has in it, so that the pattern need not be tried where
 * that is missing: one of some words (literals.h), or else bytes of certain kinds (outline.h). It
 * may let too much through, never too little.
 */
#ifndef POTERNE_RULES_MATCH_FILTER_H
#define POTERNE_RULES_MATCH_FILTER_H

#include "rules/match/automaton.h"
#include "rules/match/literals.h"
#include "rules/match/outline.h"

/* A pattern is filtered by its outlines only where they fit fewer places than this. */
#define FILTER_COST_MAX 0.02
/* An automaton is made for a pattern whose match may begin at more places than this before what is
 * found, or that has so many positions that PCRE2 takes long to try one. */
#define FILTER_NEAR  8
#define FILTER_LARGE 192
/* Words are found in less time than outlines, and more surely tell the pattern. */
#define FILTER_WORDS_BETTER 20

struct filter {
    struct literals words;    /* n 0: not filtered by words */
    struct outline *outlines; /* nor by outlines where there are none */
    size_t n_outlines;
    /* Where there are matches, one begins at most so many bytes before a place that is found;
     * STR_NONE: anywhere. */
    size_t before;
    struct automaton *automaton; /* NULL: none */
};

/* The filter's parts live in `pool`; `work` is emptied before and after. Where either is used up
 * the pattern is not filtered. An automaton is made only if it is wanted, and
 * worth it. */
void filter_of(struct pool *pool, struct pool *work, const struct regex_literal *pattern,
               bool automaton, struct filter *filter);

static inline bool filter_is_none(const struct filter *filter)
{
    return filter->words.n == 0 && filter->n_outlines == 0;
}

/* Can a match begin at *from to last of that piece? If so, none begins before *from, which may have
 * grown. `states` know the pattern by its number. */
static inline bool filter_may_match(const struct filter *filter, struct automaton_states *states,
                                    size_t number, struct str piece, size_t *from, size_t last)
{
    return filter->automaton == NULL ||
           automaton_may_match(filter->automaton, states, number, piece, from, last);
}

/* Many filters that are searched for at once, each standing for a number. */
struct filters;

struct filters_entry {
    const struct filter *filter;
    uint32_t number;
};

/* NULL: the pool is used up. */
struct filters *filters_new(struct pool *pool, const struct filters_entry *list, size_t n);

/* Called for each place that is found; for one number places come in order. False ends the
 * search. */
typedef bool filters_found(void *data, uint32_t number, size_t at);

void filters_search(const struct filters *filters, struct str text, filters_found *found,
                    void *data);

#endif
