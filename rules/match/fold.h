/*
 * fold: makes a long pattern short by writing each group that stands in it more than once only
 * once, as a subroutine at the end: "(?:ab|c)x(?:ab|c)" becomes "(?&f0)x(?&f0)" and the group's
 * definition. Replaced letters ("<A>") make patterns of 200 kB in which thirty groups stand again
 * and again, and a group with {5} behind it is compiled five times; PCRE2 takes no more than 64 kB
 * of compiled pattern. Both match the same, but captures get other numbers.
 */
#ifndef POTERNE_RULES_MATCH_FOLD_H
#define POTERNE_RULES_MATCH_FOLD_H

#include "base/buf.h"

#define FOLD_GROUP_MIN 40 /* bytes of a group that is worth it */

/* False, and nothing to be used in `out`, when the pattern has parts that may not be moved
 * (references to captures, flags inside), has no such groups, or memory ran out. */
bool fold_groups(struct str pattern, struct buf *out);

#endif
