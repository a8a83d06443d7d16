/*
 * wake: which metas must be worked out for a message. Most would come to what they are when no rule
 * hits, which is 0; only those that ask for a rule that hit can be something else. The few that are
 * true without any hit ("!A") are always worked out. Whether a careful one's truth is known
 * (ruleset.h) is, too, the same whenever no rule hits that it asks for.
 */
#ifndef POTERNE_RULES_WAKE_H
#define POTERNE_RULES_WAKE_H

#include "base/err.h"
#include "base/pool.h"

struct ruleset;

/* Metas stand for their place in the order in which they are worked out. */
struct wake {
    uint32_t *from;    /* [rules + 1]: where the list of each rule begins in `waiting` */
    uint32_t *waiting; /* metas that ask for the rule */
    uint64_t *always;  /* bits: metas that are worked out for every message */
    bool *unknown;     /* [rules]: a careful meta's truth is not known when no rule hits */
    size_t n_words;    /* of a set of metas, as bits */
};

/* The set's metas must be in their order; all lives in its pool. */
int wake_make(struct ruleset *set, struct err *err);

/* A rule's value has become something else than 0: adds the metas that ask for it. */
void wake_waiting(const struct wake *wake, uint32_t rule, uint64_t *awake);

/* Is the truth of the careful meta, whose own value that is, not known? By that of those below. */
bool wake_is_unknown(const struct ruleset *set, uint32_t rule, double value, const bool *unknown);

/* Takes the first meta that is awake, from word *word on; false: there are none. */
bool wake_next(const struct wake *wake, uint64_t *awake, size_t *word, size_t *meta);

#endif
