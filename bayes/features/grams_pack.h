/*
 * grams_pack: a message's grams (bayes.h: distinct positions among the weights, rising) as bytes,
 * for requests and records: the difference to the one before, 7 bits a byte, the lowest first,
 * the eighth bit set on all but the last (a LEB128 number). Some 3 000 of 2^20 take 5 kB.
 */
#ifndef POTERNE_BAYES_FEATURES_GRAMS_PACK_H
#define POTERNE_BAYES_FEATURES_GRAMS_PACK_H

#include "base/buf.h"
#include "bayes/bayes.h"

/* What so many may take: the differences come to less than 2^20 together, so that no more than 64
 * of them need a third byte. */
#define GRAMS_PACKED_BYTES (GRAMS_MAX * 2 + 64)

/* Appends them; false when they are too many, too large or not rising: then nothing is. */
bool grams_pack(struct buf *out, const uint32_t *grams, size_t n);

/* All of `packed` into list, which has room for `room`. False when it is malformed (also: a number
 * in more bytes than it needs), does not rise, or does not fit. */
bool grams_unpack(struct str packed, uint32_t *list, size_t room, size_t *n);

#endif
