/*
 * eval: "eval:name(arguments)" rules. The functions are ours, few and safe: they look at the parsed
 * message and never at the network, a file or a clock. The table in eval.c names them all.
 */
#ifndef POTERNE_RULES_EVAL_H
#define POTERNE_RULES_EVAL_H

#include "rules/rules.h"

#define EVAL_ARGUMENTS_MAX 4

struct eval_argument {
    struct str text;
    double number; /* 0 when the text is none */
};

#define EVAL_NO_MEMORY (-1.0)

/*
 * How often it holds (0: not), or EVAL_NO_MEMORY when the pool is used up. `text` may be set to
 * what was found.
 */
typedef double eval_function(const struct rules_input *input, struct pool *pool,
                             const struct eval_argument *arguments, size_t n_arguments,
                             struct str *text);

struct eval_call {
    eval_function *function;
    struct eval_argument arguments[EVAL_ARGUMENTS_MAX];
    size_t n_arguments;
};

/* "name(1, 'two')"; the texts are copied into the pool. */
int eval_compile(struct pool *pool, struct str text, struct eval_call *call, struct err *err);

#endif
