/*
 * directive: how the directives of rule files are told apart and handled; for this folder only.
 * Directives stand in families, one file each; a row names its handler and what that works on, so
 * that two directives of a kind differ in their rows only.
 */
#ifndef POTERNE_RULES_LANGUAGE_DIRECTIVE_H
#define POTERNE_RULES_LANGUAGE_DIRECTIVE_H

#include "rules/language/parse.h"

enum directive_result {
    DIRECTIVE_DONE = 0,
    DIRECTIVE_BAD = 1,   /* err says why; reported, and what was there before stays */
    DIRECTIVE_QUIET = 2, /* known and without effect; err says why */
    DIRECTIVE_FATAL = -1,
};

struct directive {
    const char *name; /* lower case, '_'; "…_*" for any last word */
    enum directive_result (*handle)(struct parser *parser, const struct directive *self,
                                    struct str rest, struct err *err);
    int what;        /* the kind, list, set or number that the handler works on */
    int value;       /* what is put there */
    const char *why; /* of directives without effect */
};

/* Rows in the order of their names (bisected). */
struct directive_family {
    const struct directive *list;
    size_t n;
};

extern const struct directive_family directive_tests;  /* rules */
extern const struct directive_family directive_scores; /* what rules are worth */
extern const struct directive_family directive_lists;  /* lists of addresses, hosts, networks */
extern const struct directive_family directive_values; /* numbers, texts, patterns */
extern const struct directive_family directive_dns;    /* rules and settings for the DNS */
extern const struct directive_family directive_quiet;  /* known, without effect here */

/* For tests: can each family be bisected? */
bool directive_families_sorted(void);

#define DIRECTIVE_FAMILY(list)                                                                     \
    {                                                                                              \
        list, sizeof(list) / sizeof *(list)                                                        \
    }
#define BAD(err, ...) (err_set((err), __VA_ARGS__), DIRECTIVE_BAD)

/* The definition named by the first word of *rest. */
enum directive_result directive_take_name(struct parser *parser, struct str *rest,
                                          struct definition **definition, struct err *err);
/* DIRECTIVE_DONE, or DIRECTIVE_FATAL with err when memory ran out. */
enum directive_result directive_memory(struct parser *parser, bool ok, struct err *err);
/* Takes "(NAME)" off the front; false when there is none. */
bool directive_take_bracket(struct str *rest, struct str *name);

#endif
