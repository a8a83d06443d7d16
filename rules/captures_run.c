/* captures over a message */
#include "rules/facts/header.h"
#include "rules/run.h"

struct texts_of_name {
    struct str *list;
    size_t n, cap;
    bool cut; /* there was more, beyond a limit */
};

struct capture_run {
    struct rules_scratch *scratch;
    const struct captures *captures;
    struct facts *facts;
    struct texts_of_name *found; /* of each name, by its place in captures->names */
    uint64_t *begun;             /* [n_names] rule, counted from 1, that captured it last */
    struct view view;
    enum rule_kind view_kind; /* RULE_NONE: no view that the next rule can take over */
    bool *truncated;
    struct err *err;
    /* of the rule that is being run */
    const struct capture_rule *rule;
    struct regex *filled; /* its pattern with texts in it; NULL: not asked for yet, or can't be */
    bool refused;         /* it can't be */
    bool no_memory;
};

static const struct rule *rule_of(const struct capture_run *run)
{
    return &run->scratch->set->rules[run->rule->number];
}

static bool asks(const struct capture_rule *rule)
{
    return rule->literal.pattern.n > 0;
}

/* ---- what is captured */

static bool has(const struct texts_of_name *texts, struct str text)
{
    for (size_t i = 0; i < texts->n; i++) {
        if (str_eq(texts->list[i], text))
            return true;
    }
    return false;
}

/* Texts live in the message's views, as long as the pool. */
static void add_text(struct capture_run *run, struct texts_of_name *texts, struct str text)
{
    if (text.n == 0 || texts->cut || has(texts, text))
        return;
    if (text.n > CAPTURE_VALUE_MAX || texts->n == CAPTURE_VALUES_MAX) {
        texts->cut = true;
        return;
    }
    struct str *list =
        pool_grow(run->facts->pool, texts->list, texts->n, &texts->cap, sizeof *list);
    if (list == NULL) {
        run->no_memory = true;
        return;
    }
    texts->list = list;
    list[texts->n++] = text;
}

/* A rule that hits sets all its names anew, those too that took no part in the match. */
static void keep_group(void *data, struct str name, struct str text)
{
    struct capture_run *run = data;
    uint64_t now = (uint64_t)(run->rule - run->captures->rules) + 1;
    for (size_t i = 0; i < run->captures->n_names; i++) {
        struct texts_of_name *texts = &run->found[i];
        if (!str_eq(run->captures->names[i].name, name))
            continue;
        if (run->begun[i] != now) {
            texts->n = 0;
            texts->cut = false;
            run->begun[i] = now;
        }
        add_text(run, texts, text);
    }
}

/* Names that stand for headers. */
static void find_headers(struct capture_run *run)
{
    for (size_t i = 0; i < run->captures->n_names; i++) {
        const struct capture_name *name = &run->captures->names[i];
        if (name->query == NULL)
            continue;
        if (str_starts(name->name, STR("HEADER("))) {
            add_text(run, &run->found[i], facts_get(run->facts, name->query));
            continue;
        }
        const struct fact_values *values = facts_get_all(run->facts, name->query);
        for (size_t j = 0; j < values->n; j++)
            add_text(run, &run->found[i], str_trim(values->list[j]));
    }
}

/* ---- what stands in a pattern for a name */

static const struct texts_of_name *texts_of(const struct capture_run *run, struct str name)
{
    size_t i = 0;
    while (i + 1 < run->captures->n_names && !str_eq(run->captures->names[i].name, name))
        i++;
    return &run->found[i];
}

static void put_texts(void *data, struct str name, struct buf *out)
{
    const struct texts_of_name *texts = texts_of(data, name);
    buf_add(out, STR("(?:"));
    for (size_t i = 0; i < texts->n; i++) {
        if (i)
            buf_addc(out, '|');
        template_quote(out, texts->list[i]);
    }
    buf_addc(out, ')');
}

/* Is each name of the pattern known? A name of which only too much is known makes the rule's answer
 * unknown. */
static bool all_known(struct capture_run *run)
{
    struct str pattern = run->rule->literal.pattern;
    struct template_mark mark;
    bool cut = false, known = true;
    for (size_t at = 0; template_next(pattern, at, &mark); at = mark.to) {
        const struct texts_of_name *texts = texts_of(run, mark.name);
        known &= texts->n > 0;
        cut |= texts->cut;
    }
    if (cut)
        scratch_give_up(run->scratch, run->rule->number);
    return known && !cut;
}

/* Compiled when a text is there that it could match in. NULL: it can't be. */
static const struct regex *regex_of(struct capture_run *run)
{
    struct buf text = BUF_INIT(CAPTURE_PATTERN_MAX);
    struct regex_literal literal = run->rule->literal;
    struct err err;
    if (!asks(run->rule))
        return rule_of(run)->regex;
    if (run->filled || run->refused)
        return run->filled;
    template_fill(literal.pattern, put_texts, run, &text);
    literal.pattern = buf_str(&text);
    if (buf_ok(&text))
        run->filled = regex_new_once(&literal, &err);
    run->refused = run->filled == NULL;
    buf_release(&text);
    return run->filled;
}

/* ---- the search */

/* All matches in one piece, as many as the rule wants. False: its answer is not known. */
static bool search(struct capture_run *run, const struct regex *regex, struct str piece)
{
    struct rules_scratch *s = run->scratch;
    uint32_t number = run->rule->number;
    struct regex_match match;
    size_t at = 0;
    while (!s->done[number] && at <= piece.n) {
        enum regex_result result = regex_search(regex, s->runner, piece, at, STR_NONE, &match);
        if (result != REGEX_YES)
            return result == REGEX_NO;
        scratch_hit(s, number, str_sub(piece, match.from, match.to));
        if (regex_named_groups(regex, s->runner, piece, match.from, keep_group, run) != REGEX_YES)
            return false;
        at = match.to > match.from ? match.to : match.to + 1;
    }
    return true;
}

/* "!~": a hit when no piece matches; nothing is captured. */
static bool search_negated(struct capture_run *run, const struct regex *regex)
{
    enum regex_result result =
        run_anywhere(run->scratch->runner, regex, &run->view, rule_of(run)->if_unset);
    if (result == REGEX_NO)
        scratch_hit(run->scratch, run->rule->number, STR_EMPTY);
    return result == REGEX_NO || result == REGEX_YES;
}

static bool note(void *data, uint32_t number, size_t at)
{
    *(bool *)data = true;
    return false;
}

/* Has the block what every match has? */
static bool is_possible(const struct capture_run *run, const struct view_block *block)
{
    bool found = false;
    if (run->rule->filters == NULL || block->text.s == NULL)
        return true;
    filters_search(run->rule->filters, block->text, note, &found);
    return found;
}

static bool search_blocks(struct capture_run *run)
{
    bool known = true;
    for (size_t b = 0; known && b < run->view.n_blocks; b++) {
        const struct view_block *block = &run->view.blocks[b];
        if (!is_possible(run, block))
            continue;
        const struct regex *regex = regex_of(run);
        for (size_t i = block->from; known && i < block->to; i++) {
            if (regex == NULL || regex_runner_late(run->scratch->runner))
                known = false;
            else if (i > 0 || !rule_of(run)->no_subject)
                known = search(run, regex, run_piece(&run->view, i, rule_of(run)->if_unset));
        }
    }
    return known;
}

/* Rules of one kind stand together: but for headers they look at the same texts. */
static int make_view(struct capture_run *run)
{
    const struct capture_rule *rule = run->rule;
    if (rule->kind == run->view_kind && rule->kind != RULE_HEADER)
        return 0;
    run->view_kind = rule->kind;
    int result = view_make(run->facts, rule->kind, &rule->query, &run->view, run->err);
    *run->truncated |= result == 0 && run->view.truncated;
    return result;
}

static int run_rule(struct capture_run *run)
{
    if (rule_of(run)->kind == RULE_NONE || (asks(run->rule) && !all_known(run)))
        return 0;
    if (make_view(run) < 0)
        return -1;
    bool known = true;
    if (rule_of(run)->negated) {
        const struct regex *regex = regex_of(run);
        known = regex && search_negated(run, regex);
    } else {
        known = search_blocks(run);
    }
    if (!known)
        scratch_give_up(run->scratch, run->rule->number);
    regex_free(&run->filled);
    run->refused = false;
    return run->no_memory ? facts_no_memory(run->err) : 0;
}

int captures_run(struct rules_scratch *scratch, struct facts *facts, bool *truncated,
                 struct err *err)
{
    const struct captures *captures = &scratch->set->captures;
    struct capture_run run = {.scratch = scratch,
                              .captures = captures,
                              .facts = facts,
                              .truncated = truncated,
                              .err = err};
    if (captures->n == 0)
        return 0;
    run.found = POOL_ARRAY(facts->pool, captures->n_names, struct texts_of_name);
    run.begun = POOL_ARRAY(facts->pool, captures->n_names, uint64_t);
    if (run.found == NULL || run.begun == NULL)
        return facts_no_memory(err);
    find_headers(&run);
    for (size_t i = 0; i < captures->n; i++) {
        run.rule = &captures->rules[i];
        if (run_rule(&run) < 0)
            return -1;
    }
    return 0;
}
