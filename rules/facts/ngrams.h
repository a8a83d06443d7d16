/*
 * ngrams: the runs of 1 to 5 bytes that stand most often in a text's words, as SpamAssassin's
 * TextCat.pm counts them (create_lm). A word is what stands between digits, blanks and ASCII signs
 * other than the apostrophe; its edges count as a NUL. Linear in the text.
 */
#ifndef POTERNE_RULES_FACTS_NGRAMS_H
#define POTERNE_RULES_FACTS_NGRAMS_H

#include "rules/language/languages.h"

#define NGRAMS_TEXT_MAX 10000 /* bytes of a text; the rest is not counted. SpamAssassin's */

/* Of such a text: each of its bytes, and each edge of its words, begins no more than that. */
#define NGRAMS_MAX (NGRAM_MAX * 2 * NGRAMS_TEXT_MAX)

struct ngrams {
    ngram *list; /* the most frequent first, those that stand equally often by their bytes */
    size_t n;
};

/* At most `max`, those that stand more than `floor` times. -1: the pool is used up. */
int ngrams_count(struct pool *pool, struct str text, size_t max, size_t floor,
                 struct ngrams *ngrams);

#endif
