/*
 * prefilter: which rules of a group can possibly match in which pieces of a block. It may say yes
 * too often, and never no where a rule would match: what it lets through is confirmed with the
 * rule's own pattern (run.c).
 *   A rule whose pattern has a filter (match/filter.h) is tried on the pieces in which that finds a
 *   place, and only where a match can begin; the filters of all rules are searched for at once. Its
 *   automaton (match/automaton.h), if it has one, says of most of these places that it is none.
 *   Another rule whose pattern is local (regex_is_local) is searched once in the whole block, in
 *   place of once in each of its pieces, of which a message has dozens.
 *   What is left is tried on every piece.
 */
#ifndef POTERNE_RULES_PREFILTER_H
#define POTERNE_RULES_PREFILTER_H

#include "rules/facts/view.h"

/*
 * A rule may match in that piece, beginning at a place from..last in it. For one rule, places come
 * in order, and each once.
 */
typedef void prefilter_candidate(void *data, uint32_t rule, size_t piece, size_t from, size_t last);

struct prefilter_job {
    const struct ruleset *set;
    struct regex_runner *runner;
    struct automaton_states *states;
    const bool *done; /* [set->n]: rules to leave out; it may change while this runs */
    size_t *next;     /* [set->n]: working space */
    prefilter_candidate *candidate;
    void *data;
};

void prefilter_block(const struct prefilter_job *job, const struct group *group,
                     const struct view *view, const struct view_block *block);

/*
 * For a group that looks at one piece: sets maybe[rule] to 1 for the rules that may match in it,
 * to 0 for those that can't.
 */
void prefilter_piece(const struct group *group, struct str piece, size_t *maybe);

#endif
