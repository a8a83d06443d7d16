#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "rules/prefilter.h"

#define RUN_TEXT_MAX 200 /* bytes of a match that go into the result */

struct rules_scratch {
    const struct ruleset *set;
    struct regex_runner *runner;
    double *values; /* [set->n]: hits of each rule; what metas read */
    bool *done;     /* [set->n]: no more hits wanted */
    bool *limited;  /* [set->n] */
    bool *unknown;  /* [set->n]: a careful meta's truth is not known */
    size_t *next;   /* [set->n]: the prefilter's */
    struct str *texts;
};

struct run {
    const struct ruleset *set;
    struct rules_scratch *scratch;
    const struct rules_input *input;
    struct facts facts;
    struct pool *pool;
    struct rules_result *result;
    struct err *err;
};

struct rules_scratch *rules_scratch_new(const struct ruleset *set, struct err *err)
{
    struct rules_scratch *s = calloc(1, sizeof *s);
    size_t n = set->n ? set->n : 1;
    if (s == NULL) {
        err_set(err, "rules: out of memory");
        return NULL;
    }
    s->set = set;
    s->runner = regex_runner_new(err);
    s->values = calloc(n, sizeof *s->values);
    s->done = calloc(n, sizeof *s->done);
    s->limited = calloc(n, sizeof *s->limited);
    s->unknown = calloc(n, sizeof *s->unknown);
    s->next = calloc(n, sizeof *s->next);
    s->texts = calloc(n, sizeof *s->texts);
    if (s->runner && s->values && s->done && s->limited && s->unknown && s->next && s->texts)
        return s;
    err_set(err, "rules: out of memory");
    rules_scratch_free(&s);
    return NULL;
}

void rules_scratch_free(struct rules_scratch **scratch)
{
    struct rules_scratch *s = *scratch;
    if (s == NULL)
        return;
    regex_runner_free(&s->runner);
    free(s->values);
    free(s->done);
    free(s->limited);
    free(s->unknown);
    free(s->next);
    free(s->texts);
    free(s);
    *scratch = NULL;
}

static void hit(struct rules_scratch *s, uint32_t number, struct str text)
{
    if (s->values[number] == 0)
        s->texts[number] = str_sub(text, 0, RUN_TEXT_MAX);
    s->values[number]++;
    s->done[number] = s->values[number] >= s->set->rules[number].hits_max;
}

/* The rule is given up for this message: its hits so far stay, and it is named as limited. */
static void give_up(struct rules_scratch *s, uint32_t number)
{
    s->limited[number] = true;
    s->done[number] = true;
}

/* All matches that begin at from..last in one piece, as many as the rule wants. */
static void search_piece(struct rules_scratch *s, uint32_t number, struct str piece, size_t from,
                         size_t last)
{
    const struct rule *rule = &s->set->rules[number];
    size_t at = from;
    while (!s->done[number] && at <= piece.n) {
        struct regex_match match;
        switch (regex_search(rule->regex, s->runner, piece, at, last, &match)) {
        case REGEX_NO:
            return;
        case REGEX_LIMIT:
            give_up(s, number);
            return;
        case REGEX_YES:
            hit(s, number, str_sub(piece, match.from, match.to));
            at = match.to > match.from ? match.to : match.to + 1;
            break;
        }
    }
}

/* "!~": a hit when no piece matches. A limit is no answer either way. */
static void search_negated(struct rules_scratch *s, uint32_t number, const struct view *view)
{
    const struct rule *rule = &s->set->rules[number];
    struct regex_match match;
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        enum regex_result result = regex_search(rule->regex, s->runner, piece, 0, STR_NONE, &match);
        if (result == REGEX_LIMIT)
            give_up(s, number);
        if (result != REGEX_NO)
            return;
    }
    hit(s, number, STR_EMPTY);
}

/* One rule on a header's text; `possible` is what the prefilter says. */
static void run_header(struct rules_scratch *s, uint32_t number, const struct view *view,
                       bool possible)
{
    const struct rule *rule = &s->set->rules[number];
    if (regex_runner_late(s->runner)) {
        give_up(s, number);
    } else if (rule->kind == RULE_EXISTS) {
        if (view->pieces[0].s)
            hit(s, number, STR_EMPTY);
    } else if (rule->negated) {
        if (possible)
            search_negated(s, number, view);
        else
            hit(s, number, STR_EMPTY);
    } else if (possible) {
        search_piece(s, number, view->pieces[0].s ? view->pieces[0] : rule->if_unset, 0, STR_NONE);
    }
}

/* The headers of the parts, one behind the other, each ended by a line end. */
static int join_parts(struct run *run, const struct rule *rule, const struct view *view,
                      struct str *text)
{
    struct buf all = BUF_INIT(VIEW_TEXT_MAX);
    for (size_t i = 0; i < view->n_pieces; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        if (i + 1 < rule->part_first || i + 1 > rule->part_last)
            continue;
        buf_add(&all, piece);
        if (!str_ends(piece, STR("\n")))
            buf_addc(&all, '\n');
    }
    run->result->truncated |= !buf_ok(&all);
    *text = pool_str(run->pool, buf_str(&all));
    buf_release(&all);
    return text->s ? 0 : err_set(run->err, "rules: the message needs more memory than is allowed");
}

/* The first part in which it hits gives all its hits; "!~" hits when none has a match. */
static int run_part_header(struct run *run, uint32_t number, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    const struct rule *rule = &s->set->rules[number];
    struct view joined = {.n_pieces = 1};
    struct str text;
    if (regex_runner_late(s->runner)) {
        give_up(s, number);
        return 0;
    }
    if (rule->concat) {
        if (join_parts(run, rule, view, &text) < 0)
            return -1;
        joined.pieces = &text;
        view = &joined;
    }
    if (rule->negated) {
        search_negated(s, number, view);
        return 0;
    }
    for (size_t i = 0; i < view->n_pieces && s->values[number] == 0; i++) {
        struct str piece = view->pieces[i].s ? view->pieces[i] : rule->if_unset;
        if (rule->concat || (i + 1 >= rule->part_first && i + 1 <= rule->part_last))
            search_piece(s, number, piece, 0, STR_NONE);
    }
    return 0;
}

static int run_part_headers(struct run *run, const struct group *group, const struct view *view)
{
    for (size_t i = 0; i < group->n; i++) {
        if (run_part_header(run, group->rules[i], view) < 0)
            return -1;
    }
    return 0;
}

/* A header that is not there has the rule's own text in its place, which no prefilter has seen. */
static void run_headers(struct run *run, const struct group *group, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    bool filtered = group->kind == RULE_HEADER && view->pieces[0].s;
    if (filtered)
        prefilter_piece(run->set, group, view->pieces[0], s->next);
    for (size_t i = 0; i < group->n; i++) {
        uint32_t number = group->rules[i];
        run_header(s, number, view, !filtered || s->next[number]);
    }
}

/* The texts of one view, while its rules run. */
struct texts {
    struct rules_scratch *scratch;
    const struct view *view;
};

static void confirm(void *data, uint32_t number, size_t piece, size_t from, size_t last)
{
    const struct texts *texts = data;
    struct rules_scratch *s = texts->scratch;
    if (regex_runner_late(s->runner))
        give_up(s, number);
    else if (piece > 0 || !s->set->rules[number].no_subject)
        search_piece(s, number, texts->view->pieces[piece], from, last);
}

static void run_texts(struct run *run, const struct group *group, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    struct texts texts = {s, view};
    const struct prefilter_job job = {run->set, s->runner, s->done, s->next, confirm, &texts};
    for (size_t i = 0; i < view->n_blocks; i++)
        prefilter_block(&job, group, view, &view->blocks[i]);
}

static int run_group(struct run *run, const struct group *group)
{
    struct view view;
    if (view_make(&run->facts, group->kind, &group->query, &view, run->err) < 0)
        return -1;
    run->result->truncated |= view.truncated;
    if (group->kind == RULE_MIMEHEADER)
        return run_part_headers(run, group, &view);
    if (group->kind == RULE_HEADER)
        run_headers(run, group, &view);
    else
        run_texts(run, group, &view);
    return 0;
}

/* A value is what other rules count with; it scores once. */
static int run_call(struct run *run, uint32_t number)
{
    struct rules_scratch *s = run->scratch;
    const struct eval_call *call = &run->set->rules[number].call;
    struct eval_context context = {
        .facts = &run->facts,
        .input = run->input,
        .settings = run->set->settings,
        .pool = run->pool,
        .a = call->arguments,
        .n = call->n_arguments,
        .raw = call->raw,
        .runner = s->runner,
    };
    double times = call->function(&context);
    if (times < 0)
        return -1;
    s->limited[number] |= context.limited;
    if (times > 0) {
        hit(s, number, context.text);
        s->values[number] = times;
    }
    return 0;
}

static int run_detail(struct run *run, uint32_t number)
{
    struct rules_scratch *s = run->scratch;
    struct str text;
    switch (uri_detail_run(run->set->rules[number].detail, &run->facts, s->runner, &text)) {
    case REGEX_NO:
        return 0;
    case REGEX_YES:
        hit(s, number, text);
        return 0;
    case REGEX_LIMIT:
        give_up(s, number);
        return 0;
    default:
        return -1;
    }
}

static int run_evals(struct run *run)
{
    const struct ruleset *set = run->set;
    for (size_t i = 0; i < set->n_evals; i++) {
        uint32_t number = set->evals[i];
        int result =
            set->rules[number].kind == RULE_EVAL ? run_call(run, number) : run_detail(run, number);
        if (result < 0)
            return err_set(run->err, "rules: the message needs more memory than is allowed");
    }
    return 0;
}

/* Does the meta ask for one whose truth is not known? */
static bool asks_for_unknown(const struct rules_scratch *s, const struct expr *expr)
{
    for (size_t i = 0; i < expr->n; i++) {
        if (expr->code[i].kind == EXPR_LOAD && s->unknown[expr->code[i].slot])
            return true;
    }
    return false;
}

/* A meta's value goes on to other metas; one that is not above 0 but true counts as 1. */
static void run_metas(struct run *run)
{
    struct rules_scratch *s = run->scratch;
    for (size_t i = 0; i < run->set->n_metas; i++) {
        uint32_t number = run->set->metas[i];
        const struct rule *rule = &run->set->rules[number];
        double value = expr_run(&rule->expr, s->values);
        if (rule->careful)
            s->unknown[number] =
                asks_for_unknown(s, &rule->expr) || (rule->silent && (rule->late || value != 0));
        if (!rule->silent && !s->unknown[number])
            s->values[number] = value > 0 ? value : value != 0;
    }
}

/* A rule with "tflags multiple" scores for each hit; a meta or a call once, whatever its value. */
static double score_of(const struct rule *rule, double value)
{
    return rule->regex ? rule->score * value : rule->score;
}

/* A meta's value can be any number above 0. */
static unsigned times_of(double value)
{
    if (value < 1)
        return 1;
    return value < BOOK_HITS_MAX ? (unsigned)value : BOOK_HITS_MAX;
}

static int stronger_first(const void *a, const void *b)
{
    const struct rule_hit *x = a, *y = b;
    double difference = fabs(y->score) - fabs(x->score);
    return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(x->name, y->name);
}

static bool shows(const struct run *run, uint32_t number)
{
    return run->scratch->values[number] != 0 &&
           (run->set->rules[number].counts || run->input->sub_rules);
}

static int make_result(struct run *run)
{
    const struct ruleset *set = run->set;
    const struct rules_scratch *s = run->scratch;
    struct rules_result *result = run->result;
    size_t n_hits = 0, n_limited = 0;
    for (uint32_t i = 0; i < set->n; i++) {
        n_hits += shows(run, i);
        n_limited += s->limited[i];
    }
    result->hits = POOL_ARRAY(run->pool, n_hits, struct rule_hit);
    result->limited = POOL_ARRAY(run->pool, n_limited, const char *);
    if (result->hits == NULL || result->limited == NULL)
        return err_set(run->err, "rules: the message needs more memory than is allowed");
    for (uint32_t i = 0; i < set->n; i++) {
        const struct rule *rule = &set->rules[i];
        if (s->limited[i])
            result->limited[result->n_limited++] = rule->name.s;
        if (!shows(run, i))
            continue;
        struct rule_hit *found = &result->hits[result->n_hits++];
        found->name = rule->name.s;
        found->score = score_of(rule, s->values[i]);
        found->text = s->texts[i];
        found->times = times_of(s->values[i]);
        result->total += found->score;
    }
    qsort(result->hits, result->n_hits, sizeof *result->hits, stronger_first);
    return 0;
}

static void clear(struct rules_scratch *s)
{
    size_t n = s->set->n;
    memset(s->values, 0, n * sizeof *s->values);
    memset(s->done, 0, n * sizeof *s->done);
    memset(s->limited, 0, n * sizeof *s->limited);
    memset(s->unknown, 0, n * sizeof *s->unknown);
    memset(s->texts, 0, n * sizeof *s->texts);
    regex_runner_start(s->runner, RULES_TIME_MAX_MS);
}

int ruleset_run(const struct ruleset *set, struct rules_scratch *scratch,
                const struct rules_input *input, struct pool *pool, struct rules_result *result,
                struct err *err)
{
    struct run run = {
        .set = set, .scratch = scratch, .input = input, .pool = pool, .result = result, .err = err};
    *result = (struct rules_result){.truncated = input->text->truncated};
    facts_init(&run.facts, pool, input, set->settings);
    run.facts.runner = scratch->runner;
    clear(scratch);
    for (size_t i = 0; i < set->n_groups; i++) {
        if (run_group(&run, &set->groups[i]) < 0)
            return -1;
    }
    if (run_evals(&run) < 0)
        return -1;
    run_metas(&run);
    return make_result(&run);
}
