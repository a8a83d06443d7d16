/*
 * grams: the byte 4-grams of about the first GRAMS_MAX bytes of a message, as it was received,
 * without what is not learned (field.h) and without a filter's tag in the subject. Line ends count
 * as LF.
 */
#ifndef POTERNE_BAYES_FEATURES_GRAMS_H
#define POTERNE_BAYES_FEATURES_GRAMS_H

#include "bayes/bayes.h"

/* Fills features->grams, in no order. -1 when the pool is used up. */
int features_grams(struct pool *pool, const struct message *message, struct features *features,
                   struct err *err);

/* Of any bytes, at most GRAMS_MAX of them: positions below GRAM_WEIGHTS, each once, in the order of
 * their first sight, into grams, which has room for GRAMS_MAX. Returns how many. */
size_t grams_of(struct str bytes, uint32_t *grams);

/* Makes them rising, as they are kept. n: at most GRAMS_MAX. */
void grams_sort(uint32_t *grams, size_t n);

#endif
