/*
 * local: is a match in a piece of text sure to be a match in any longer text that has the piece
 * between line ends? Then the pieces can be searched all at once.
 */
#ifndef POTERNE_RULES_MATCH_LOCAL_H
#define POTERNE_RULES_MATCH_LOCAL_H

#include "rules/match/regex.h"

/* Anything not known to be harmless makes a pattern "not local"; that costs time, never a match. */
bool pattern_is_local(const struct regex_literal *literal);

#endif
