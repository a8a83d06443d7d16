/*
 * outlines: finds the places of a text that fit one of many outlines, all of them at once: for
 * each place of a window and each byte a row of bits, one for each outline, says where that byte
 * may stand; nine rows are looked up and what is left of their bits fits.
 */
#ifndef POTERNE_RULES_MATCH_OUTLINES_H
#define POTERNE_RULES_MATCH_OUTLINES_H

#include "rules/match/outline.h"

struct outlines;

/* One outline of the set, and the number that it stands for. */
struct outlines_entry {
    const struct outline *outline;
    uint32_t number;
};

/* Lives in the pool and keeps nothing of the list. NULL: the pool is used up. */
struct outlines *outlines_new(struct pool *pool, const struct outlines_entry *list, size_t n);

/*
 * Called for each place that fits, with the number of what fits there; places come in order. False
 * ends the search.
 */
typedef bool outlines_found(void *data, uint32_t number, size_t at);

void outlines_search(const struct outlines *outlines, struct str text, outlines_found *found,
                     void *data);

#endif
