/* spelling: for a word that nothing knows, the known one that was probably meant. */
#ifndef POTERNE_BASE_SPELLING_H
#define POTERNE_BASE_SPELLING_H

#include "base/str.h"

#define SPELLING_WORD_MAX 40 /* longer words are as far away as can be */
#define SPELLING_NEAR     3  /* changes; what is farther away was hardly meant */

/* Levenshtein's distance, at most SPELLING_WORD_MAX. */
size_t spelling_distance(struct str a, const char *known);
/* The nearest of the known words list(0), list(1) … up to the first NULL; NULL: none is near. */
const char *spelling_nearest(struct str word, const char *(*list)(size_t i));

#endif
