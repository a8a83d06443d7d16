/*
 * look: for evals that look at header text: queries that never fail, shapes with a bound of their
 * own. Want of memory shows in c->facts->no_memory.
 */
#ifndef POTERNE_RULES_EVAL_LOOK_H
#define POTERNE_RULES_EVAL_LOOK_H

#include "rules/eval/eval.h"
#include "rules/facts/header.h"
#include "rules/facts/shape.h"

#define LOOK_WORK_MAX 2000000 /* steps of one search; beyond, c->limited is set */

/* The query's text; empty when there is none. */
struct str look_get(struct eval_context *c, const char *request);
/* As above with each run of blanks made one space. */
struct str look_get_squeezed(struct eval_context *c, const char *request);
/* Does the shape stand in the text? `found` may be NULL. */
bool look_for(struct eval_context *c, const char *shape, struct str text,
              struct shape_found *found);
bool look_for_any_case(struct eval_context *c, const char *shape, struct str text,
                       struct shape_found *found);
/* Does it end with the name, with no word's character before it? Case ignored. */
bool look_ends_with_host(struct str text, const char *name);
/* In lower case. */
struct str look_lower(struct eval_context *c, struct str text);

#endif
