/*
 * words: finds which of many words stand in a text, case ignored (ASCII), in one pass. At each
 * position the next three bytes are hashed into a bitmap that fits the processor's first cache,
 * then three, four and eight bytes into a table each, of words that are as long; only what they let
 * through is compared.
 */
#ifndef POTERNE_RULES_WORDS_H
#define POTERNE_RULES_WORDS_H

#include "base/pool.h"

#define WORDS_BYTES_MIN 3
#define WORDS_BYTES_MAX 32

struct words;

/* For about n words. Lives in the pool, like all that is added. NULL: the pool is used up. */
struct words *words_new(struct pool *pool, size_t n);
/* The word must be in lower case and of WORDS_BYTES_MIN to _MAX bytes; it may stand for many
 * numbers, and a number for many words. False when the pool is used up. */
bool words_add(struct words *words, struct pool *pool, struct str word, uint32_t number);

/*
 * Called for every number of every word that is found, with the place where the word begins;
 * places come in order. False ends the search.
 */
typedef bool words_found(void *data, uint32_t number, size_t at);

void words_search(const struct words *words, struct str text, words_found *found, void *data);

#endif
