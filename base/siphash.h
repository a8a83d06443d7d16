/*
 * siphash: SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a 64-bit
 * keyed hash for tables whose contents others choose, or may not be able to guess.
 */
#ifndef POTERNE_BASE_SIPHASH_H
#define POTERNE_BASE_SIPHASH_H

#include "base/str.h"

#define SIPHASH_KEY_SIZE 16

uint64_t siphash(const unsigned char key[SIPHASH_KEY_SIZE], struct str bytes);

#endif
