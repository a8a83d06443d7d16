#include "rules/compile.h"

struct search {
    const struct book *book;
    struct pool *pool;
    struct wanted *wanted;
    uint32_t *todo; /* metas that are wanted but not read yet */
    size_t n_todo;
    const struct definition *meta; /* being read */
};

static uint32_t number_of(const struct search *search, const struct definition *definition)
{
    return (uint32_t)(definition - search->book->list);
}

/* Each rule gets in once, so `todo` needs room for no more than all. */
static void want(struct search *search, const struct definition *definition)
{
    uint32_t number = number_of(search, definition);
    if (search->wanted->rules[number])
        return;
    search->wanted->rules[number] = true;
    if (definition->kind == RULE_META)
        search->todo[search->n_todo++] = number;
}

static bool can_hit(const struct book *book, const struct definition *definition)
{
    return definition->kind != RULE_NONE && compile_score(book, definition) != 0;
}

static void put_rule(struct search *search, struct expr_parser *parser,
                     const struct definition *definition)
{
    if (!can_hit(search->book, definition)) {
        expr_put_number(parser, 0);
        return;
    }
    want(search, definition);
    expr_put_slot(parser, number_of(search, definition));
}

/*
 * Does the name fit a pattern with '*' and '?'? Only the last '*' is ever tried again, so the work
 * is at most the product of both lengths.
 */
static bool glob_matches(struct str glob, struct str name)
{
    size_t g = 0, n = 0, star = STR_NONE, star_at = 0;
    while (n < name.n) {
        if (g < glob.n && (glob.s[g] == '?' || glob.s[g] == name.s[n])) {
            g++;
            n++;
        } else if (g < glob.n && glob.s[g] == '*') {
            star = g++;
            star_at = n;
        } else if (star != STR_NONE) {
            g = star + 1;
            n = ++star_at;
        } else {
            return false;
        }
    }
    while (g < glob.n && glob.s[g] == '*')
        g++;
    return g == glob.n;
}

/* rules_matching(GLOB): the hits of all rules whose name fits, without the asking one. */
static void put_matching(struct search *search, struct expr_parser *parser, struct str glob)
{
    expr_put_number(parser, 0);
    for (size_t i = 0; i < search->book->n; i++) {
        const struct definition *definition = &search->book->list[i];
        if (definition == search->meta || !can_hit(search->book, definition) ||
            !glob_matches(glob, definition->name))
            continue;
        put_rule(search, parser, definition);
        expr_put_add(parser);
    }
}

static int resolve(void *data, struct expr_parser *parser, struct str name, struct str argument,
                   struct err *err)
{
    struct search *search = data;
    const struct definition *definition = book_find(search->book, name);
    if (argument.s && str_eq(name, STR("rules_matching"))) {
        put_matching(search, parser, argument);
    } else if (argument.s) {
        return err_set(err, "'%.*s(' is no function; only rules_matching() is", STR_ARG(name));
    } else if (definition && definition->kind != RULE_NONE) {
        put_rule(search, parser, definition);
    } else {
        book_report(search->book, search->meta->file, search->meta->line,
                    "%.*s asks for '%.*s', which no rule is named; it counts as 0",
                    STR_ARG(search->meta->name), STR_ARG(str_sub(name, 0, BOOK_NAME_MAX)));
        expr_put_number(parser, 0);
    }
    return 0;
}

static void read_meta(struct search *search, uint32_t number)
{
    const struct definition *meta = &search->book->list[number];
    struct expr expr = {NULL, 0};
    struct err err = {""};
    search->meta = meta;
    if (expr_parse(search->pool, meta->test, resolve, search, &expr, &err) < 0)
        book_report(search->book, meta->file, meta->line, "%.*s: %s; the rule never hits",
                    STR_ARG(meta->name), err.text);
    else
        search->wanted->exprs[number] = expr;
}

int wanted_find(const struct book *book, struct pool *pool, struct wanted *wanted, struct err *err)
{
    struct search search = {.book = book, .pool = pool, .wanted = wanted};
    wanted->rules = POOL_ARRAY(pool, book->n, bool);
    wanted->exprs = POOL_ARRAY(pool, book->n, struct expr);
    search.todo = POOL_ARRAY(pool, book->n, uint32_t);
    if (wanted->rules == NULL || wanted->exprs == NULL || search.todo == NULL)
        return err_set(err, "rules: out of memory");
    for (size_t i = 0; i < book->n; i++) {
        const struct definition *definition = &book->list[i];
        if (can_hit(book, definition) &&
            (book->options.all || !str_starts(definition->name, STR("__"))))
            want(&search, definition);
    }
    while (search.n_todo)
        read_meta(&search, search.todo[--search.n_todo]);
    return 0;
}
