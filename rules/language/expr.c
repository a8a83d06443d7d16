#include "rules/language/expr.h"

#include "base/ascii.h"

struct expr_parser {
    struct str text;
    size_t at;
    unsigned nest;
    size_t waiting; /* values on the stack at this point of the code */
    struct pool *pool;
    struct expr_op *code;
    size_t n, cap;
    bool failed; /* out of memory, or too long: err was not filled yet */
    expr_resolve *resolve;
    void *data;
    struct err *err;
};

struct operator
{
    char text[3];
    enum expr_kind kind;
    int level; /* binds tighter when higher */
};

/* Longer ones first, so that "<=" is not read as "<". */
static const struct operator operators[] = {
    {"||", EXPR_OR, 1},        {"&&", EXPR_AND, 2},        {"==", EXPR_EQUAL, 4},
    {"!=", EXPR_NOT_EQUAL, 4}, {"<=", EXPR_LESS_EQUAL, 5}, {">=", EXPR_GREATER_EQUAL, 5},
    {"^", EXPR_XOR, 3},        {"<", EXPR_LESS, 5},        {">", EXPR_GREATER, 5},
    {"+", EXPR_ADD, 6},        {"-", EXPR_SUBTRACT, 6},    {"*", EXPR_MULTIPLY, 7},
    {"/", EXPR_DIVIDE, 7},
};

#define LEVEL_LOWEST 1

static int parse_choice(struct expr_parser *p);

static void put(struct expr_parser *p, struct expr_op op, int change)
{
    struct expr_op *code =
        p->n < EXPR_CODE_MAX ? pool_grow(p->pool, p->code, p->n, &p->cap, sizeof *code) : NULL;
    p->waiting = (size_t)((long)p->waiting + change);
    if (code == NULL || p->waiting > EXPR_STACK_MAX) {
        p->failed = true;
        return;
    }
    p->code = code;
    code[p->n++] = op;
}

void expr_put_number(struct expr_parser *parser, double number)
{
    put(parser, (struct expr_op){.kind = EXPR_CONST, .number = number}, 1);
}

void expr_put_slot(struct expr_parser *parser, uint32_t slot)
{
    put(parser, (struct expr_op){.kind = EXPR_LOAD, .slot = slot}, 1);
}

void expr_put_add(struct expr_parser *parser)
{
    put(parser, (struct expr_op){.kind = EXPR_ADD}, -1);
}

static char peek(struct expr_parser *p)
{
    while (p->at < p->text.n && (p->text.s[p->at] == ' ' || p->text.s[p->at] == '\t'))
        p->at++;
    return p->at < p->text.n ? p->text.s[p->at] : '\0';
}

static bool is_name_start(char c)
{
    return ascii_is_letter(c) || c == '_';
}

static int expected(struct expr_parser *p, const char *what)
{
    if (peek(p) == '\0')
        return err_set(p->err, "the expression ends where %s was expected", what);
    return err_set(p->err, "'%.*s' stands where %s was expected",
                   STR_ARG(str_sub(p->text, p->at, p->at + 20)), what);
}

static int parse_number(struct expr_parser *p)
{
    size_t from = p->at;
    double number;
    while (p->at < p->text.n && (ascii_is_digit(p->text.s[p->at]) || p->text.s[p->at] == '.'))
        p->at++;
    struct str digits = str_sub(p->text, from, p->at);
    if (!str_to_double(digits, &number))
        return err_set(p->err, "'%.*s' is not a number", STR_ARG(str_sub(digits, 0, 40)));
    expr_put_number(p, number);
    return 0;
}

/* NAME or NAME(ARGUMENT); "::" belongs to a name, as in can(Mail::SpamAssassin::Conf::x). */
static int parse_name(struct expr_parser *p)
{
    size_t from = p->at;
    struct str argument = STR_EMPTY;
    while (p->at < p->text.n &&
           (is_name_start(p->text.s[p->at]) || ascii_is_digit(p->text.s[p->at])))
        p->at++;
    struct str name = str_sub(p->text, from, p->at);
    if (peek(p) == '(') {
        struct str rest = str_from(p->text, p->at + 1);
        size_t close = str_chr(rest, ')');
        if (close == STR_NONE)
            return err_set(p->err, "the bracket behind '%.*s' is never closed", STR_ARG(name));
        argument = str_trim(str_sub(rest, 0, close));
        p->at += close + 2;
    }
    size_t before = p->waiting;
    if (p->resolve(p->data, p, name, argument, p->err) < 0)
        return -1;
    if (p->waiting != before + 1 && !p->failed)
        return err_set(p->err, "'%.*s' has no value", STR_ARG(name));
    return 0;
}

static int parse_unary(struct expr_parser *p)
{
    char c = peek(p);
    if (ascii_is_digit(c) || c == '.')
        return parse_number(p);
    if (is_name_start(c))
        return parse_name(p);
    if (c != '!' && c != '-' && c != '+' && c != '(')
        return expected(p, "a rule name or a number");
    if (++p->nest > EXPR_DEPTH_MAX)
        return err_set(p->err, "more than %d brackets inside one another", EXPR_DEPTH_MAX);
    p->at++;
    if (c == '(') {
        if (parse_choice(p) < 0)
            return -1;
        if (peek(p) != ')')
            return expected(p, "a closing bracket");
        p->at++;
    } else if (parse_unary(p) < 0) {
        return -1;
    } else if (c != '+') {
        put(p, (struct expr_op){.kind = c == '!' ? EXPR_NOT : EXPR_NEGATE}, 0);
    }
    p->nest--;
    return 0;
}

static const struct operator* peek_operator(struct expr_parser *p)
{
    if (peek(p) == '\0')
        return NULL;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (str_starts(str_from(p->text, p->at), str_of(operators[i].text)))
            return &operators[i];
    }
    return NULL;
}

/* All operators that bind at least as tightly as `level`, from left to right. */
static int parse_binary(struct expr_parser *p, int level)
{
    if (parse_unary(p) < 0)
        return -1;
    for (;;) {
        const struct operator* op = peek_operator(p);
        if (op == NULL || op->level < level)
            return 0;
        p->at += strlen(op->text);
        if (op->kind == EXPR_AND)
            put(p, (struct expr_op){.kind = EXPR_SKIP}, 0);
        size_t skip = p->n - 1;
        if (parse_binary(p, op->level + 1) < 0)
            return -1;
        put(p, (struct expr_op){.kind = op->kind}, -1);
        if (op->kind == EXPR_AND && !p->failed)
            p->code[skip].slot = (uint32_t)(p->n - 1 - skip);
    }
}

static int parse_choice(struct expr_parser *p)
{
    if (parse_binary(p, LEVEL_LOWEST) < 0)
        return -1;
    if (peek(p) != '?')
        return 0;
    if (++p->nest > EXPR_DEPTH_MAX)
        return err_set(p->err, "more than %d choices inside one another", EXPR_DEPTH_MAX);
    p->at++;
    if (parse_choice(p) < 0)
        return -1;
    if (peek(p) != ':')
        return expected(p, "the ':' of a choice");
    p->at++;
    if (parse_choice(p) < 0)
        return -1;
    put(p, (struct expr_op){.kind = EXPR_CHOOSE}, -2);
    p->nest--;
    return 0;
}

int expr_parse(struct pool *pool, struct str text, expr_resolve *resolve, void *data,
               struct expr *expr, struct err *err)
{
    struct expr_parser p = {
        .text = text, .pool = pool, .resolve = resolve, .data = data, .err = err};
    if (parse_choice(&p) < 0)
        return -1;
    if (peek(&p) != '\0')
        return expected(&p, "an operator");
    if (p.failed)
        return err_set(err, "the expression is longer than %d steps, or memory ran out",
                       EXPR_CODE_MAX);
    *expr = (struct expr){p.code, p.n};
    return 0;
}

static double to_bits_xor(double a, double b)
{
    const double most = 4294967295.0;
    if (!(a >= 0 && a <= most && b >= 0 && b <= most))
        return 0;
    return (double)((uint32_t)a ^ (uint32_t)b);
}

static double apply(enum expr_kind kind, double a, double b)
{
    switch (kind) {
    case EXPR_SUBTRACT:
        return a - b;
    case EXPR_MULTIPLY:
        return a * b;
    case EXPR_DIVIDE:
        return b != 0 ? a / b : 0;
    case EXPR_LESS:
        return a < b;
    case EXPR_LESS_EQUAL:
        return a <= b;
    case EXPR_GREATER:
        return a > b;
    case EXPR_GREATER_EQUAL:
        return a >= b;
    case EXPR_EQUAL:
        return a == b;
    case EXPR_NOT_EQUAL:
        return a != b;
    case EXPR_XOR:
        return to_bits_xor(a, b);
    default:
        return 0;
    }
}

double expr_run(const struct expr *expr, const double *values)
{
    double stack[EXPR_STACK_MAX + 1]; /* expr_parse() made sure that it is enough */
    size_t n = 0;
    for (const struct expr_op *op = expr->code; op < expr->code + expr->n; op++) {
        switch (op->kind) {
        case EXPR_CONST:
            stack[n++] = op->number;
            break;
        case EXPR_LOAD:
            stack[n++] = values[op->slot];
            break;
        case EXPR_NOT:
            stack[n - 1] = stack[n - 1] == 0;
            break;
        case EXPR_NEGATE:
            stack[n - 1] = -stack[n - 1];
            break;
        case EXPR_SKIP:
            if (stack[n - 1] == 0)
                op += op->slot;
            break;
        case EXPR_AND:
            n--;
            stack[n - 1] = stack[n];
            break;
        case EXPR_OR:
            n--;
            if (stack[n - 1] == 0)
                stack[n - 1] = stack[n];
            break;
        case EXPR_ADD:
            n--;
            stack[n - 1] += stack[n];
            break;
        case EXPR_CHOOSE:
            n -= 2;
            stack[n - 1] = stack[n - 1] != 0 ? stack[n] : stack[n + 1];
            break;
        default:
            n--;
            stack[n - 1] = apply(op->kind, stack[n - 1], stack[n]);
            break;
        }
    }
    return n ? stack[0] : 0;
}
