/*
 * expr: the arithmetic of `meta` and `if` lines, as small postfix code. Operators and their order
 * are Perl's, since that is what SpamAssassin hands them to:
 *     ! and unary - +    * /    + -    < <= > >=    == !=    ^ (bits)    &&    ||    ?:
 * && and || give one of their operands, not just 0 or 1, so numbers of hits pass through. A
 * division by zero gives 0.
 */
#ifndef POTERNE_RULES_EXPR_H
#define POTERNE_RULES_EXPR_H

#include "base/err.h"
#include "base/pool.h"

#define EXPR_CODE_MAX  20000 /* operations of one expression */
#define EXPR_DEPTH_MAX 100   /* brackets and unary operators inside one another */
#define EXPR_STACK_MAX 512   /* values waiting while it runs */

enum expr_kind {
    EXPR_CONST,
    EXPR_LOAD,
    EXPR_NOT,
    EXPR_NEGATE,
    EXPR_ADD,
    EXPR_SUBTRACT,
    EXPR_MULTIPLY,
    EXPR_DIVIDE,
    EXPR_LESS,
    EXPR_LESS_EQUAL,
    EXPR_GREATER,
    EXPR_GREATER_EQUAL,
    EXPR_EQUAL,
    EXPR_NOT_EQUAL,
    EXPR_XOR,
    EXPR_AND,
    EXPR_SKIP, /* between the operands of an EXPR_AND: of a first that is 0 the rest is left out */
    EXPR_OR,
    EXPR_CHOOSE,
};

struct expr_op {
    enum expr_kind kind;
    uint32_t slot; /* EXPR_LOAD: which value; EXPR_SKIP: so many steps on */
    double number; /* EXPR_CONST */
};

struct expr {
    struct expr_op *code;
    size_t n;
};

struct expr_parser;

/*
 * Asked for every name, with the text between brackets behind it ("can(X::y)"; argument.s is NULL
 * when there are none). Says what it stands for by exactly one net value: expr_put_number(),
 * expr_put_slot(), or several of those joined by expr_put_add(). -1 with err for a name that may
 * not stand there.
 */
typedef int expr_resolve(void *data, struct expr_parser *parser, struct str name,
                         struct str argument, struct err *err);

void expr_put_number(struct expr_parser *parser, double number);
void expr_put_slot(struct expr_parser *parser, uint32_t slot);
void expr_put_add(struct expr_parser *parser);

int expr_parse(struct pool *pool, struct str text, expr_resolve *resolve, void *data,
               struct expr *expr, struct err *err);

/* values[slot] for every EXPR_LOAD */
double expr_run(const struct expr *expr, const double *values);

#endif
