/*
 * compile: book → ruleset. Only what can change a verdict is compiled: rules with a score that is
 * not 0, and those that such a rule's expression asks for; unless the book's options want all.
 */
#ifndef POTERNE_RULES_COMPILE_H
#define POTERNE_RULES_COMPILE_H

#include "rules/ruleset.h"

#define COMPILE_MIMEHEADER_HITS_MAX 1000 /* "tflags multiple" without maxhits, in SpamAssassin */

/* A rule that can't be compiled is reported and counts as 0. Takes the book's settings over. NULL
 * only when memory runs out. */
struct ruleset *compile(struct book *book, uint64_t digest, struct err *err);

/* The score that SpamAssassin gives: as set, else 1.0, 0.01 for T_…, negative for nice rules. */
double compile_score(const struct book *book, const struct definition *definition);

/* The pattern of a header, mimeheader, body, rawbody, uri or full rule as it is searched: with its
 * tags filled in where replace_rules asks for it. It lives as long as the book. */
int compile_literal(const struct book *book, const struct definition *definition,
                    struct regex_literal *literal, struct err *err);

/*
 * The rules that are wanted, by their number in the book, and their expressions, whose slots are
 * those numbers too. Reports names that no rule has.
 */
struct wanted {
    bool *rules;        /* [book->n] */
    bool *late;         /* [book->n]: a meta asks for a rule that is not run */
    struct expr *exprs; /* [book->n]; code NULL for all but metas that could be read */
};
int wanted_find(const struct book *book, struct pool *pool, struct wanted *wanted, struct err *err);

/*
 * Puts the metas of the set into an order in which each comes behind those it needs. Metas that
 * ask for themselves in a circle are reported, and count as 0.
 */
int metas_order(const struct book *book, struct ruleset *set, struct err *err);

#endif
