/*
 * scratch: what is known of one message's rules while they run. Only what one message has touched
 * is cleared for the next, of thousands of rules.
 */
#ifndef POTERNE_RULES_SCRATCH_H
#define POTERNE_RULES_SCRATCH_H

#include "rules/ruleset.h"

#define SCRATCH_TEXT_MAX 200 /* bytes of a match that go into the result */

struct rules_scratch {
    const struct ruleset *set;
    struct regex_runner *runner;
    struct automaton_states *states; /* by number of the rule */
    double *values;                  /* [set->n]: hits of each rule; what metas read */
    bool *done;                      /* [set->n]: no more hits wanted */
    bool *limited;                   /* [set->n]: its answer is not known */
    bool *unknown;                   /* [set->n]: a careful meta's truth is not known */
    bool *open;      /* [set->n]: it may hit or not, for what was asked was not answered */
    double *at_most; /* [set->n]: values, if all that is open hit; while n_open is not 0 */
    size_t n_open;
    bool *matched; /* [set->n]: the pattern of a rule with "!~", in the text just looked at */
    size_t *next;  /* [set->n]: the prefilter's */
    struct str *texts;
    bool *is_touched;  /* [set->n] */
    uint32_t *touched; /* rules whose value, limit or text is set, as they came */
    size_t n_touched;
    uint64_t *awake; /* metas to be worked out, as bits (wake.h) */
};

/* As before the first message. */
void scratch_clear(struct rules_scratch *s);
void scratch_hit(struct rules_scratch *s, uint32_t number, struct str text);
/* The rule is given up for this message: its hits so far stay, and it is named as limited. */
void scratch_give_up(struct rules_scratch *s, uint32_t number);
/* It has not hit, and not all that was asked about it was answered: nobody knows whether it would.
 */
void scratch_unknown(struct rules_scratch *s, uint32_t number);
/* Works out the metas that can be anything else than 0. */
void scratch_run_metas(struct rules_scratch *s);

#endif
