#include "rules/compile.h"
#include "rules/language/globs.h"

struct search {
    const struct book *book;
    struct pool *pool;
    struct wanted *wanted;
    uint32_t *todo; /* metas that are wanted but not read yet */
    size_t n_todo;
    const struct definition *meta; /* being read */
    struct names asked;            /* texts that wanted rules want to be captured */
    struct names sets;             /* of block lists: the first rule that asks for it */
    uint32_t *next_of_set;         /* [book->n]: one more of them, or NAMES_NONE */
    bool no_memory;
};

static uint32_t number_of(const struct search *search, const struct definition *definition)
{
    return (uint32_t)(definition - search->book->list);
}

/* The names of texts that a pattern asks for. */
static void note_marks(struct search *search, struct str pattern)
{
    struct template_mark mark;
    for (size_t at = 0; template_next(pattern, at, &mark); at = mark.to)
        search->no_memory |= !names_put(&search->asked, search->pool, mark.name, 1);
}

static void want(struct search *search, const struct definition *definition);

/* check_rbl_sub looks at what all others of its set ask for; once wanted, the set is forgotten. */
static void want_set(struct search *search, const struct definition *definition)
{
    struct network_set set = network_set_of(search->pool, definition->test);
    uint32_t asking =
        set.only_looks && set.name.s ? names_find(&search->sets, set.name) : NAMES_NONE;
    if (asking == NAMES_NONE)
        return;
    names_put(&search->sets, search->pool, set.name, NAMES_NONE);
    for (; asking != NAMES_NONE; asking = search->next_of_set[asking])
        want(search, &search->book->list[asking]);
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
    if (captures_kind(definition->kind))
        note_marks(search, definition->test);
    if (definition->kind == RULE_EVAL)
        want_set(search, definition);
}

/* In a score set without network or learning, their eval rules are not run. */
static bool is_off(const struct book *book, const struct definition *definition)
{
    unsigned set = book->options.score_set;
    if (definition->kind == RULE_ASKDNS)
        return !(set & RULES_SCORE_NET);
    return definition->kind == RULE_EVAL && ((definition->net && !(set & RULES_SCORE_NET)) ||
                                             (definition->learn && !(set & RULES_SCORE_LEARN)));
}

static bool can_hit(const struct book *book, const struct definition *definition)
{
    return definition->kind != RULE_NONE && definition->kind != RULE_EMPTY &&
           !is_off(book, definition) && compile_score(book, definition) != 0;
}

/* Who asks for each set of block lists. */
static void find_sets(struct search *search)
{
    for (size_t i = 0; i < search->book->n && !search->no_memory; i++) {
        const struct definition *definition = &search->book->list[i];
        if (definition->kind != RULE_EVAL || !can_hit(search->book, definition))
            continue;
        struct network_set set = network_set_of(search->pool, definition->test);
        if (set.name.s == NULL || set.only_looks)
            continue;
        search->next_of_set[i] = names_find(&search->sets, set.name);
        search->no_memory |= !names_put(&search->sets, search->pool, set.name, (uint32_t)i);
    }
}

/* A meta is worked out for those who ask even when it has no score. */
static void put_rule(struct search *search, struct expr_parser *parser,
                     const struct definition *definition)
{
    if (!can_hit(search->book, definition) && definition->kind != RULE_META) {
        search->wanted->late[number_of(search, search->meta)] = true;
        expr_put_number(parser, 0);
        return;
    }
    want(search, definition);
    expr_put_slot(parser, number_of(search, definition));
}

/* rules_matching(GLOB): the hits of all rules whose name fits, without the asking one. */
static void put_matching(struct search *search, struct expr_parser *parser, struct str glob)
{
    expr_put_number(parser, 0);
    for (size_t i = 0; i < search->book->n; i++) {
        const struct definition *definition = &search->book->list[i];
        if (definition == search->meta || definition->kind == RULE_NONE ||
            !glob_fits(glob, definition->name))
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
        search->wanted->late[number_of(search, search->meta)] = true;
        book_notice(search->book, search->meta->file, search->meta->line,
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

static bool captures_asked(const struct search *search, const struct definition *definition)
{
    struct str name;
    for (size_t at = 0; template_next_group(definition->test, &at, &name);) {
        if (names_find(&search->asked, name) != NAMES_NONE)
            return true;
    }
    return false;
}

/* What rules that are wanted ask for; a rule that captures it may ask itself. */
static void want_captures(struct search *search)
{
    for (size_t known = 0; known < search->asked.n && !search->no_memory;) {
        known = search->asked.n;
        for (size_t i = 0; i < search->book->n; i++) {
            const struct definition *definition = &search->book->list[i];
            if (captures_kind(definition->kind) && can_hit(search->book, definition) &&
                captures_asked(search, definition))
                want(search, definition);
        }
    }
}

int wanted_find(const struct book *book, struct pool *pool, struct wanted *wanted, struct err *err)
{
    struct search search = {.book = book, .pool = pool, .wanted = wanted};
    wanted->rules = POOL_ARRAY(pool, book->n, bool);
    wanted->late = POOL_ARRAY(pool, book->n, bool);
    wanted->exprs = POOL_ARRAY(pool, book->n, struct expr);
    search.todo = POOL_ARRAY(pool, book->n, uint32_t);
    search.next_of_set = POOL_ARRAY(pool, book->n, uint32_t);
    if (wanted->rules == NULL || wanted->late == NULL || wanted->exprs == NULL ||
        search.todo == NULL || search.next_of_set == NULL)
        return err_set(err, "rules: out of memory");
    find_sets(&search);
    for (size_t i = 0; i < book->n; i++) {
        const struct definition *definition = &book->list[i];
        if (can_hit(book, definition) &&
            (book->options.all || !str_starts(definition->name, STR("__"))))
            want(&search, definition);
    }
    while (search.n_todo)
        read_meta(&search, search.todo[--search.n_todo]);
    want_captures(&search);
    return search.no_memory ? err_set(err, "rules: out of memory") : 0;
}
