/*
 * random: bytes that nobody can foresee, for salts, keys, tokens and ids (getrandom(2)).
 * It can't fail: no kernel that poterne runs on lacks the call, and a process that went on with
 * bytes that can be guessed would be worse than one that ended, so it aborts instead.
 */
#ifndef POTERNE_BASE_RANDOM_H
#define POTERNE_BASE_RANDOM_H

#include <stddef.h>

void random_fill(void *out, size_t n);

#endif
