/*
 * replace: the tags that patterns may hold (replace_tag, replace_pre, replace_inter, replace_post)
 * and the rules in whose patterns they are filled in (replace_rules). All texts live in the book.
 */
#ifndef POTERNE_RULES_LANGUAGE_REPLACE_H
#define POTERNE_RULES_LANGUAGE_REPLACE_H

#include "base/err.h"
#include "rules/language/names.h"

#define REPLACE_PASSES 6 /* tags may hold tags */

enum replace_kind { REPLACE_TAG, REPLACE_PRE, REPLACE_INTER, REPLACE_POST, REPLACE_KINDS };

struct replace_map {
    struct names names;
    struct str *texts;
    size_t n, cap;
};

struct replace {
    struct replace_map maps[REPLACE_KINDS];
    struct names rules;
};

/* Name and text are kept, not copied. False: the pool is used up. */
bool replace_put(struct replace *replace, struct pool *pool, enum replace_kind kind,
                 struct str name, struct str text);
bool replace_add_rule(struct replace *replace, struct pool *pool, struct str rule);
bool replace_wants(const struct replace *replace, struct str rule);

/*
 * The pattern with its tags filled in, in the pool. "<pre NAME>", "<inter NAME>" and "<post NAME>"
 * in it say what stands before, between and behind the tags; a tag without a text stays. -1 with
 * err when the pattern gets longer than `max` bytes or memory runs out.
 */
int replace_apply(const struct replace *replace, struct pool *pool, struct str pattern, size_t max,
                  struct str *filled, struct err *err);

#endif
