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

/* "!~" asks whether the pattern matches nowhere: the first answer other than REGEX_NO of all pieces
 * of the view, `if_unset` standing for a piece that is not there. */
enum regex_result run_anywhere(struct regex_runner *runner, const struct regex *regex,
                               const struct view *view, struct str if_unset);
/* The piece, or what stands for one that is not there. */
struct str run_piece(const struct view *view, size_t i, struct str if_unset);

/* questions.c: the facts of the message, those that rules_questions() has made of it included. */
void questions_take(struct facts *facts, const struct ruleset *set, struct rules_scratch *scratch,
                    const struct rules_input *input, struct pool *pool);

/* run_headers.c: the rules of a group on the text that its query finds. -1: the pool is used up. */
int run_headers(struct run *run, const struct group *group);
/* As above, on the headers of all parts: the first part in which a rule hits gives all its hits;
 * "!~" hits when none has a match. */
int run_part_headers(struct run *run, const struct group *group, const struct view *view);

#endif
