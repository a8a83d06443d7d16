/* automaton_parts: an automaton as automaton_make.c makes it and automaton.c runs it. */
#ifndef POTERNE_RULES_MATCH_AUTOMATON_PARTS_H
#define POTERNE_RULES_MATCH_AUTOMATON_PARTS_H

#include "rules/match/automaton.h"

#define SET_BITS      64
#define SET_WORDS_MAX (AUTOMATON_POSITIONS_MAX / SET_BITS) /* as many as a word has bits */

/*
 * No position is bit 0: it says of a state what stands before, where that matters: a line end
 * (START_LINE) or a byte of a word (START_BOUNDARY).
 */
#define CONTEXT 1ull

enum automaton_start { START_ANYWHERE, START_LINE, START_BOUNDARY };

/*
 * A position is a byte of the pattern; the automaton's state is the set of positions whose byte may
 * just have been taken, as bits. Bytes that the same positions take are one class.
 */
struct automaton {
    size_t words; /* of a set */
    unsigned class_bits;
    enum automaton_start start;
    unsigned char classes[256];
    const uint64_t *takes;  /* [class][words]: the positions that take such a byte */
    const uint64_t *first;  /* [class][words]: those of them that a match may begin with */
    const uint64_t *ends;   /* a match may end behind them */
    const uint16_t *follow; /* [position]: number of the set of those that may follow */
    const uint64_t *sets;   /* [number][words] */
};

/* Of a set of positions, to find it by. */
static inline uint64_t set_hash(const uint64_t *set, size_t words)
{
    uint64_t sum = 0;
    for (size_t w = 0; w < words; w++)
        sum = (sum ^ set[w]) * 0x9e3779b97f4a7c15u + (sum >> 29);
    return sum;
}

#endif
