#include "rules/compile.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/language/settings_make.h"

#define WORK_MEMORY_MAX (64 * 1024 * 1024) /* to find the filter of one pattern */

struct compiler {
    const struct book *book;
    struct ruleset *set;
    struct wanted wanted;
    uint32_t *numbers; /* [book->n]: number in the set of a wanted rule */
    struct pool *work; /* for the filter of one pattern at a time */
};

double compile_score(const struct book *book, const struct definition *definition)
{
    if (definition->scored)
        return definition->scores[book->options.score_set];
    double score = str_starts(definition->name, STR("T_")) ? 0.01 : 1.0;
    return definition->nice ? -score : score;
}

void ruleset_free(struct ruleset **set)
{
    if (*set == NULL)
        return;
    for (size_t i = 0; i < (*set)->n; i++) {
        regex_free(&(*set)->rules[i].regex);
        eval_call_release(&(*set)->rules[i].call);
        uri_detail_release((*set)->rules[i].detail);
    }
    network_release(&(*set)->network);
    settings_free(&(*set)->settings);
    pool_free(&(*set)->pool);
    free(*set);
    *set = NULL;
}

static struct ruleset *new_set(struct err *err)
{
    struct ruleset *set = calloc(1, sizeof *set);
    if (set)
        set->pool = pool_new(BOOK_MEMORY_MAX);
    if (set == NULL || set->pool == NULL) {
        err_set(err, "rules: out of memory");
        ruleset_free(&set);
    }
    return set;
}

static void number_rules(struct compiler *c, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < c->book->n; i++) {
        if (c->wanted.rules[i])
            c->numbers[i] = (uint32_t)(*n)++;
    }
}

/* A copy of the expression whose slots are numbers of the set. */
static int set_expr(struct compiler *c, struct rule *rule, const struct expr *from, struct err *err)
{
    struct expr_op *code = POOL_ARRAY(c->set->pool, from->n, struct expr_op);
    if (code == NULL)
        return err_set(err, "rules: out of memory");
    for (size_t i = 0; i < from->n; i++) {
        code[i] = from->code[i];
        if (code[i].kind == EXPR_LOAD)
            code[i].slot = c->numbers[code[i].slot];
    }
    rule->expr = (struct expr){code, from->n};
    if (from->code == NULL) /* could not be read, which was reported */
        rule->kind = RULE_NONE;
    return 0;
}

int compile_literal(const struct book *book, const struct definition *definition,
                    struct regex_literal *literal, struct err *err)
{
    const struct replace *replace = &book->replace;
    if (regex_literal_parse(definition->test, literal, err) < 0)
        return -1;
    if (definition->kind == RULE_MIMEHEADER || !replace_wants(replace, definition->name))
        return 0;
    return replace_apply(replace, book->pool, literal->pattern, REGEX_PATTERN_MAX,
                         &literal->pattern, err);
}

static int set_pattern(struct compiler *c, struct rule *rule, const struct definition *definition,
                       struct err *err)
{
    struct regex_literal literal;
    if (compile_literal(c->book, definition, &literal, err) < 0)
        return -1;
    if (captures_kind(definition->kind) && template_has(literal.pattern))
        return captures_ask(c->set, (uint32_t)(rule - c->set->rules), definition, &literal, c->work,
                            err);
    rule->regex = regex_new(&literal, err);
    if (rule->regex == NULL)
        return -1;
    if (c->book->options.no_jit)
        regex_interpret(rule->regex);
    if (c->book->options.no_filters) {
        rule->filter = (struct filter){.before = STR_NONE};
        regex_keep_to_pieces(rule->regex);
        return 0;
    }
    /* fields are too short to be worth more than a look for words and outlines */
    bool automaton = rule->kind != RULE_HEADER && rule->kind != RULE_MIMEHEADER;
    filter_of(c->set->pool, c->work, &literal, automaton, &rule->filter);
    return 0;
}

/* What pass 2 says is in the verdict already: a rule that repeats it only feeds others. */
static void set_aside_score(struct compiler *c, struct rule *rule)
{
    if (rule->score == 0 || settings_number(c->set->settings, SETTINGS_POTERNE_BAYES_SCORES) != 0)
        return;
    book_notice(c->book, rule->file, rule->line,
                "%.*s does not score: the verdict has what pass 2 says (poterne_bayes_scores 1 "
                "counts both)",
                STR_ARG(rule->name));
    rule->score = 0;
}

/* A rule that asks the DNS. */
static int set_network(struct compiler *c, struct rule *rule, const struct definition *definition,
                       struct err *err)
{
    struct err why = {""};
    rule->kind = RULE_NETWORK;
    int result = network_add(c->set, (uint32_t)(rule - c->set->rules), definition, &why);
    if (result == 0 && why.text[0])
        book_notice(c->book, rule->file, rule->line, "%.*s: %s; the rule never hits",
                    STR_ARG(rule->name), why.text);
    return result == 0 ? 0 : err_set(err, "%s", why.text);
}

/* The pattern or the call of a rule; a rule with a mistake in it stays, as one that never hits. */
static void set_test(struct compiler *c, struct rule *rule, const struct definition *definition)
{
    struct err err = {""};
    int result = 0;
    if (rule->kind == RULE_ASKDNS ||
        (rule->kind == RULE_EVAL && network_is_call(definition->test))) {
        result = set_network(c, rule, definition, &err);
    } else if (rule->kind == RULE_EVAL) {
        rule->call.raw = definition->eval_raw;
        result = eval_compile(c->set->pool, definition->test, &rule->call, &err);
        if (rule->call.pass_2)
            set_aside_score(c, rule);
    } else if (rule->kind == RULE_URI_DETAIL) {
        rule->detail = uri_detail_parse(c->set->pool, definition->test, &err);
        result = rule->detail ? 0 : -1;
    } else if (rule->kind != RULE_EXISTS) {
        result = set_pattern(c, rule, definition, &err);
    }
    if (result < 0) {
        book_report(c->book, definition->file, definition->line, "%.*s: %s; the rule never hits",
                    STR_ARG(definition->name), err.text);
        rule->kind = RULE_NONE;
    }
}

static unsigned hits_max(const struct definition *definition)
{
    if (!definition->multiple)
        return 1;
    if (definition->kind == RULE_MIMEHEADER && definition->hits_max == 0)
        return COMPILE_MIMEHEADER_HITS_MAX;
    return definition->hits_max ? definition->hits_max : BOOK_HITS_MAX;
}

static int set_texts(struct compiler *c, struct rule *rule, const struct definition *definition,
                     struct err *err)
{
    struct pool *pool = c->set->pool;
    rule->name = pool_str(pool, definition->name);
    rule->file = definition->file ? pool_cstr(pool, str_of(definition->file)) : "";
    if (definition->describe.s)
        rule->describe = pool_str(pool, definition->describe);
    if (definition->if_unset.s)
        rule->if_unset = pool_str(pool, definition->if_unset);
    if (rule->name.s == NULL || rule->file == NULL ||
        (definition->describe.s && rule->describe.s == NULL) ||
        (definition->if_unset.s && rule->if_unset.s == NULL))
        return err_set(err, "rules: out of memory");
    return 0;
}

static int set_rule(struct compiler *c, size_t index, struct err *err)
{
    const struct definition *definition = &c->book->list[index];
    struct rule *rule = &c->set->rules[c->numbers[index]];
    if (set_texts(c, rule, definition, err) < 0)
        return -1;
    rule->kind = definition->kind;
    rule->counts = !str_starts(rule->name, STR("__"));
    rule->score = rule->counts ? compile_score(c->book, definition) : 0;
    rule->negated = definition->negated;
    rule->no_subject = definition->no_subject;
    rule->hits_max = hits_max(definition);
    rule->part_first = definition->part_first;
    rule->part_last = definition->part_last ? definition->part_last : UINT_MAX;
    rule->concat = definition->concat;
    rule->line = definition->line;
    rule->silent = rule->kind == RULE_META && compile_score(c->book, definition) == 0;
    rule->late = c->wanted.late[index];
    if (!names_add(&c->set->names, c->set->pool, rule->name, c->numbers[index]))
        return err_set(err, "rules: out of memory");
    if (rule->kind == RULE_META)
        return set_expr(c, rule, &c->wanted.exprs[index], err);
    set_test(c, rule, definition);
    return 0;
}

static struct group *find_group(struct ruleset *set, enum rule_kind kind, const struct query *query)
{
    for (size_t i = 0; i < set->n_groups; i++) {
        if (set->groups[i].kind == kind && query_same(&set->groups[i].query, query))
            return &set->groups[i];
    }
    struct group *groups =
        pool_grow(set->pool, set->groups, set->n_groups, &set->groups_cap, sizeof *groups);
    if (groups == NULL)
        return NULL;
    set->groups = groups;
    groups[set->n_groups] = (struct group){.kind = kind, .query = *query};
    /* The set outlives the book, where the name lives now. */
    if (query->name.s) {
        groups[set->n_groups].query.name = pool_str(set->pool, query->name);
        if (groups[set->n_groups].query.name.s == NULL)
            return NULL;
    }
    return &groups[set->n_groups++];
}

static int add_to_group(struct ruleset *set, uint32_t number, const struct query *query,
                        struct err *err)
{
    enum rule_kind kind = set->rules[number].kind;
    struct group *group = find_group(set, kind == RULE_EXISTS ? RULE_HEADER : kind, query);
    uint32_t *rules =
        group ? pool_grow(set->pool, group->rules, group->n, &group->cap, sizeof *rules) : NULL;
    if (rules == NULL)
        return err_set(err, "rules: out of memory");
    group->rules = rules;
    rules[group->n++] = number;
    return 0;
}

static int add_pattern(struct ruleset *set, uint32_t number, const struct definition *definition,
                       struct err *err)
{
    bool taken;
    if (captures_take(set, number, definition, &taken, err) < 0)
        return -1;
    return taken ? 0 : add_to_group(set, number, &definition->query, err);
}

/* The filters of all rules of a group. */
static int gather_filters(struct ruleset *set, struct group *group, struct err *err)
{
    struct filters_entry *list = POOL_ARRAY(set->pool, group->n, struct filters_entry);
    group->unfiltered = POOL_ARRAY(set->pool, group->n, uint32_t);
    for (size_t i = 0; list && group->unfiltered && i < group->n; i++) {
        uint32_t number = group->rules[i];
        list[i] = (struct filters_entry){&set->rules[number].filter, number};
        if (filter_is_none(&set->rules[number].filter))
            group->unfiltered[group->n_unfiltered++] = number;
    }
    group->filters = list && group->unfiltered ? filters_new(set->pool, list, group->n) : NULL;
    return group->filters ? 0 : err_set(err, "rules: out of memory");
}

/* May the rule hit, or meet a limit, where its header is not there? That is the same for all
 * messages: its pattern is tried on the text that the rule has for it. */
static bool hits_missing(const struct rule *rule, struct regex_runner *runner)
{
    struct regex_match match;
    if (rule->kind == RULE_EXISTS)
        return false;
    return regex_search(rule->regex, runner, rule->if_unset, 0, STR_NONE, &match) !=
           (rule->negated ? REGEX_YES : REGEX_NO);
}

static int sort_out(struct ruleset *set, struct group *group, struct regex_runner *runner,
                    struct err *err)
{
    if (group->kind != RULE_HEADER && group->kind != RULE_MIMEHEADER)
        return 0;
    group->missing = POOL_ARRAY(set->pool, group->n, uint32_t);
    group->negated = POOL_ARRAY(set->pool, group->n, uint32_t);
    if (group->missing == NULL || group->negated == NULL)
        return err_set(err, "rules: out of memory");
    for (size_t i = 0; i < group->n; i++) {
        const struct rule *rule = &set->rules[group->rules[i]];
        if (hits_missing(rule, runner))
            group->missing[group->n_missing++] = group->rules[i];
        if (rule->negated)
            group->negated[group->n_negated++] = group->rules[i];
    }
    return 0;
}

static int finish_groups(struct ruleset *set, struct err *err)
{
    struct regex_runner *runner = regex_runner_new(err);
    int result = runner ? 0 : -1;
    for (size_t i = 0; i < set->n_groups && result == 0; i++) {
        result = gather_filters(set, &set->groups[i], err);
        if (result == 0)
            result = sort_out(set, &set->groups[i], runner, err);
    }
    regex_runner_free(&runner);
    return result;
}

/* Each rule to where it is run: a group, the evals; metas have an order of their own. */
static int group_rules(struct compiler *c, struct err *err)
{
    struct ruleset *set = c->set;
    set->evals = POOL_ARRAY(set->pool, set->n, uint32_t);
    if (set->evals == NULL)
        return err_set(err, "rules: out of memory");
    for (size_t i = 0; i < c->book->n; i++) {
        if (!c->wanted.rules[i])
            continue;
        uint32_t number = c->numbers[i];
        enum rule_kind kind = set->rules[number].kind;
        if (kind == RULE_EVAL || kind == RULE_URI_DETAIL)
            set->evals[set->n_evals++] = number;
        else if (kind != RULE_NONE && kind != RULE_META && kind != RULE_NETWORK &&
                 add_pattern(set, number, &c->book->list[i], err) < 0)
            return -1;
    }
    captures_finish(c->book, set);
    if (finish_groups(set, err) < 0)
        return -1;
    if (metas_order(c->book, set, err) < 0 || network_finish(set, err) < 0)
        return -1;
    return wake_make(set, err);
}

static int fill(struct compiler *c, struct err *err)
{
    size_t n;
    c->numbers = POOL_ARRAY(c->book->pool, c->book->n, uint32_t);
    if (c->numbers == NULL)
        return err_set(err, "rules: out of memory");
    if (wanted_find(c->book, c->book->pool, &c->wanted, err) < 0)
        return -1;
    number_rules(c, &n);
    c->set->rules = POOL_ARRAY(c->set->pool, n, struct rule);
    if (c->set->rules == NULL)
        return err_set(err, "rules: out of memory");
    c->set->n = n;
    for (size_t i = 0; i < c->book->n; i++) {
        if (c->wanted.rules[i] && set_rule(c, i, err) < 0)
            return -1;
    }
    return group_rules(c, err);
}

struct ruleset *compile(struct book *book, uint64_t digest, struct err *err)
{
    struct compiler c = {.book = book, .set = new_set(err)};
    if (c.set == NULL)
        return NULL;
    c.set->settings = book->settings;
    book->settings = NULL;
    snprintf(c.set->generation, sizeof c.set->generation, "%016" PRIx64, digest);
    c.work = pool_new(WORK_MEMORY_MAX);
    if (c.work == NULL)
        err_set(err, "rules: out of memory");
    if (c.work == NULL || fill(&c, err) < 0)
        ruleset_free(&c.set);
    pool_free(&c.work);
    return c.set;
}
