/*
 * run: one message's way through a set of rules; for this folder only.
 */
#ifndef POTERNE_RULES_RUN_H
#define POTERNE_RULES_RUN_H

#include "rules/facts/view.h"
#include "rules/scratch.h"

struct run {
    const struct ruleset *set;
    struct rules_scratch *scratch;
    const struct rules_input *input;
    struct facts facts;
    struct pool *pool;
    struct rules_result *result;
    struct err *err;
};

/* All matches that begin at from..last in one piece, as many as the rule wants, are hits. */
void run_search(struct rules_scratch *s, uint32_t number, struct str piece, size_t from,
                size_t last);

/* run_headers.c: the rules of a group on the text that its query finds. -1: the pool is used up. */
int run_headers(struct run *run, const struct group *group);
/* As above, on the headers of all parts: the first part in which a rule hits gives all its hits;
 * "!~" hits when none has a match. */
int run_part_headers(struct run *run, const struct group *group, const struct view *view);

#endif
