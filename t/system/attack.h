/*
 * attack: texts that a pattern nearly matches, made for it by walking its tree: what stands before
 * one of its repeats, the repeat's body many times, then a byte that nothing there can match. That
 * is what makes a backtracking matcher try every way of cutting the body up.
 */
#ifndef POTERNE_T_SYSTEM_ATTACK_H
#define POTERNE_T_SYSTEM_ATTACK_H

#include "base/buf.h"
#include "rules/match/tree.h"

#define ATTACK_REPEATS_MAX 12 /* of one pattern that are tried */

/* How many different texts there are for the pattern; at least one. */
size_t attack_count(const struct tree *tree);
/* One of them, of about so many bytes; the buffer is emptied first. */
void attack_text(const struct tree *tree, size_t which, size_t bytes, struct buf *out);

#endif
