/*
 * prefilter: which rules of a group can possibly match in a block. It may say yes too often, and
 * never no where a rule would match: what it lets through is confirmed piece by piece with the
 * rule's own pattern (run.c).
 *
 * Here each local pattern (regex_is_local) is searched once in the whole block in place of once in
 * each of its pieces, of which a message has dozens; other rules are always let through. A matcher
 * for all patterns of a group at once would take the place of prefilter_block() alone.
 */
#ifndef POTERNE_RULES_PREFILTER_H
#define POTERNE_RULES_PREFILTER_H

#include "rules/view.h"

struct candidate {
    uint32_t rule;
    size_t piece; /* no piece before this one can match */
};

/* candidates has room for group->n. Rules for which done[] holds are left out. */
size_t prefilter_block(const struct ruleset *set, const struct group *group,
                       struct regex_runner *runner, const struct view *view,
                       const struct view_block *block, const bool *done,
                       struct candidate *candidates);

#endif
