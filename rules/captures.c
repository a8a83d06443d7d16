#include "rules/captures.h"

#include <stdlib.h>

#include "rules/ruleset.h"

/* In SpamAssassin's order of running. */
static const enum rule_kind kinds[] = {RULE_HEADER, RULE_BODY, RULE_URI, RULE_RAWBODY, RULE_FULL};

/* Names that stand for what is known of every message; "HEADER(…)" is another. */
static const struct {
    const char *name;
    const char *query;
} headers[] = {
    {"AUTHORDOMAIN", "X-AuthorDomain"},
    {"RELAYSEXTERNAL", "X-Spam-Relays-External"},
    {"RELAYSINTERNAL", "X-Spam-Relays-Internal"},
    {"RELAYSTRUSTED", "X-Spam-Relays-Trusted"},
    {"RELAYSUNTRUSTED", "X-Spam-Relays-Untrusted"},
    {"SENDERDOMAIN", "X-SenderDomain"},
};

static size_t rank(enum rule_kind kind)
{
    size_t i = 0;
    while (i < sizeof kinds / sizeof *kinds && kinds[i] != kind)
        i++;
    return i;
}

bool captures_kind(enum rule_kind kind)
{
    return rank(kind) < sizeof kinds / sizeof *kinds;
}

static bool captures_name(struct str capturing, struct str wanted)
{
    struct str name;
    for (size_t at = 0; template_next_group(capturing, &at, &name);) {
        if (str_eq(name, wanted))
            return true;
    }
    return false;
}

/* NULL with err->text empty: it stands for no header. */
static const char *header_of(struct pool *pool, struct str name, struct err *err)
{
    struct query query;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        if (str_eq(name, str_of(headers[i].name)))
            return headers[i].query;
    }
    if (!str_starts(name, STR("HEADER(")))
        return NULL;
    struct str inside = str_sub(name, 7, name.n - 1);
    if (query_parse(pool, inside, &query, err) < 0)
        return NULL;
    const char *text = pool_cstr(pool, inside);
    if (text == NULL)
        err_set(err, "out of memory");
    return text;
}

static bool is_known(const struct captures *captures, struct str name)
{
    for (size_t i = 0; i < captures->n_names; i++) {
        if (str_eq(captures->names[i].name, name))
            return true;
    }
    return false;
}

static int add_name(struct ruleset *set, struct str name, struct err *err)
{
    struct captures *captures = &set->captures;
    struct err problem = {""};
    if (is_known(captures, name))
        return 0;
    if (captures->n_names == CAPTURE_NAMES_MAX)
        return err_set(err, "rules ask for more than %d names", CAPTURE_NAMES_MAX);
    struct capture_name *names = pool_grow(set->pool, captures->names, captures->n_names,
                                           &captures->names_cap, sizeof *names);
    struct str copy = pool_str(set->pool, name);
    const char *query = header_of(set->pool, name, &problem);
    if (names == NULL || copy.s == NULL || problem.text[0])
        return err_set(err, "%%{%.*s}: %s", STR_ARG(str_sub(name, 0, 60)),
                       problem.text[0] ? problem.text : "out of memory");
    captures->names = names;
    names[captures->n_names++] = (struct capture_name){copy, query, query != NULL};
    return 0;
}

static int add_rule(struct ruleset *set, const struct capture_rule *rule, struct err *err)
{
    struct captures *captures = &set->captures;
    struct capture_rule *rules =
        pool_grow(set->pool, captures->rules, captures->n, &captures->cap, sizeof *rules);
    struct str name = pool_str(set->pool, rule->query.name);
    struct str pattern = pool_str(set->pool, rule->literal.pattern);
    if (rules == NULL || name.s == NULL || pattern.s == NULL)
        return err_set(err, "out of memory");
    captures->rules = rules;
    struct capture_rule *added = &rules[captures->n++];
    *added = *rule;
    added->query.name = name;
    added->literal.pattern = pattern;
    return 0;
}

static void put_text(void *data, struct str name, struct buf *out)
{
    const char *text = data;
    buf_add(out, str_of(text));
}

/* The literal with that in place of each mark. */
static struct regex_literal filled(const struct regex_literal *literal, char *with, struct buf *out)
{
    struct regex_literal result = *literal;
    buf_clear(out);
    template_fill(literal->pattern, put_text, with, out);
    result.pattern = buf_str(out);
    return result;
}

/* Does the pattern compile? What does each match have, whatever the marks stand for? */
static int look_at(struct ruleset *set, struct capture_rule *rule, struct pool *work,
                   struct err *err)
{
    struct filter *filter = &set->rules[rule->number].filter;
    struct buf text = BUF_INIT(REGEX_PATTERN_MAX);
    const struct regex_literal with_letter = filled(&rule->literal, (char[]){"(?:x)"}, &text);
    struct regex *regex = buf_ok(&text) ? regex_new_once(&with_letter, err) : NULL;
    int result = regex ? 0 : -1;
    if (!buf_ok(&text))
        err_set(err, "the pattern is longer than %d bytes", REGEX_PATTERN_MAX);
    regex_free(&regex);
    const struct regex_literal with_any = filled(&rule->literal, (char[]){"(?s:.+)"}, &text);
    if (result == 0 && buf_ok(&text)) {
        filter_of(set->pool, work, &with_any, false, filter);
        const struct filters_entry entry = {filter, rule->number};
        if (!filter_is_none(filter))
            rule->filters = filters_new(set->pool, &entry, 1);
    }
    buf_release(&text);
    return result;
}

int captures_ask(struct ruleset *set, uint32_t number, const struct definition *definition,
                 const struct regex_literal *literal, struct pool *work, struct err *err)
{
    struct template_mark mark;
    struct capture_rule rule = {.number = number,
                                .priority = definition->priority,
                                .kind = definition->kind,
                                .query = definition->query,
                                .literal = *literal};
    if (template_check(literal->pattern, err) < 0)
        return -1;
    for (size_t at = 0; template_next(literal->pattern, at, &mark); at = mark.to) {
        if (add_name(set, mark.name, err) < 0)
            return -1;
    }
    if (look_at(set, &rule, work, err) < 0)
        return -1;
    return add_rule(set, &rule, err);
}

int captures_take(struct ruleset *set, uint32_t number, const struct definition *definition,
                  bool *taken, struct err *err)
{
    const struct capture_rule rule = {.number = number,
                                      .priority = definition->priority,
                                      .kind = definition->kind,
                                      .query = definition->query};
    *taken = false;
    if (!captures_kind(definition->kind))
        return 0;
    bool asks = set->rules[number].regex == NULL;
    *taken = asks;
    for (size_t i = 0; i < set->captures.n_names; i++) {
        struct capture_name *name = &set->captures.names[i];
        if (captures_name(definition->test, name->name))
            name->captured = *taken = true;
    }
    return *taken && !asks ? add_rule(set, &rule, err) : 0;
}

static int by_order(const void *a, const void *b)
{
    const struct capture_rule *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    if (rank(x->kind) != rank(y->kind))
        return rank(x->kind) < rank(y->kind) ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* A name that no rule captures; which rule asks for it first is told. */
static void tell_missing(const struct book *book, const struct ruleset *set,
                         const struct capture_name *name)
{
    for (size_t i = 0; i < set->captures.n; i++) {
        const struct rule *rule = &set->rules[set->captures.rules[i].number];
        struct str pattern = set->captures.rules[i].literal.pattern;
        struct template_mark mark;
        for (size_t at = 0; template_next(pattern, at, &mark); at = mark.to) {
            if (!str_eq(mark.name, name->name))
                continue;
            book_notice(book, rule->file, rule->line,
                        "%.*s asks for %%{%.*s}, which no rule captures; it never hits",
                        STR_ARG(rule->name), STR_ARG(str_sub(name->name, 0, 60)));
            return;
        }
    }
}

void captures_finish(const struct book *book, struct ruleset *set)
{
    struct captures *captures = &set->captures;
    if (captures->n)
        qsort(captures->rules, captures->n, sizeof *captures->rules, by_order);
    for (size_t i = 0; i < captures->n_names; i++) {
        if (!captures->names[i].captured)
            tell_missing(book, set, &captures->names[i]);
    }
}
