#include <math.h>
#include <stdlib.h>

#include "base/score.h"
#include "rules/facts/relays.h"
#include "rules/network/run.h"
#include "rules/prefilter.h"
#include "rules/run.h"

void run_search(struct rules_scratch *s, uint32_t number, struct str piece, size_t from,
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
            scratch_give_up(s, number);
            return;
        case REGEX_YES:
            scratch_hit(s, number, str_sub(piece, match.from, match.to));
            at = match.to > match.from ? match.to : match.to + 1;
            break;
        }
    }
}

struct str run_piece(const struct view *view, size_t i, struct str if_unset)
{
    struct str piece = view->pieces[i];
    return piece.s ? piece : if_unset;
}

enum regex_result run_anywhere(struct regex_runner *runner, const struct regex *regex,
                               const struct view *view, struct str if_unset)
{
    enum regex_result result = REGEX_NO;
    struct regex_match match;
    for (size_t i = 0; result == REGEX_NO && i < view->n_pieces; i++)
        result = regex_search(regex, runner, run_piece(view, i, if_unset), 0, STR_NONE, &match);
    return result;
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
        scratch_give_up(s, number);
    else if (piece > 0 || !s->set->rules[number].no_subject)
        run_search(s, number, texts->view->pieces[piece], from, last);
}

static void run_texts(struct run *run, const struct group *group, const struct view *view)
{
    struct rules_scratch *s = run->scratch;
    struct texts texts = {s, view};
    const struct prefilter_job job = {run->set, s->runner, s->states, s->done,
                                      s->next,  confirm,   &texts};
    for (size_t i = 0; i < view->n_blocks; i++)
        prefilter_block(&job, group, view, &view->blocks[i]);
}

static int run_group(struct run *run, const struct group *group)
{
    struct view view;
    if (group->kind == RULE_HEADER)
        return run_headers(run, group);
    if (view_make(&run->facts, group->kind, &group->query, &view, run->err) < 0)
        return -1;
    run->result->truncated |= view.truncated;
    if (group->kind == RULE_MIMEHEADER)
        return run_part_headers(run, group, &view);
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
    if (context.limited)
        scratch_give_up(s, number);
    if (times == 0 && context.unknown)
        scratch_unknown(s, number);
    if (times > 0) {
        scratch_hit(s, number, context.text);
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
        scratch_hit(s, number, text);
        return 0;
    case REGEX_LIMIT:
        scratch_give_up(s, number);
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
            return facts_no_memory(run->err);
    }
    return 0;
}

/* A rule with "tflags multiple" scores for each hit; a meta or a call once, whatever its value. */
static double score_of(const struct rule *rule, double value)
{
    bool once = rule->kind == RULE_META || rule->kind == RULE_EVAL ||
                rule->kind == RULE_URI_DETAIL || rule->kind == RULE_NETWORK;
    return once ? rule->score : rule->score * value;
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
    result->hits = POOL_ARRAY(run->pool, s->n_touched, struct rule_hit);
    result->limited = POOL_ARRAY(run->pool, s->n_touched, const char *);
    result->unknown = POOL_ARRAY(run->pool, s->n_open, const char *);
    if (result->hits == NULL || result->limited == NULL || result->unknown == NULL)
        return facts_no_memory(run->err);
    for (size_t i = 0; i < s->n_touched; i++) {
        uint32_t number = s->touched[i];
        const struct rule *rule = &set->rules[number];
        if (s->limited[number])
            result->limited[result->n_limited++] = rule->name.s;
        if (s->open[number] && (rule->counts || run->input->sub_rules))
            result->unknown[result->n_unknown++] = rule->name.s;
        if (!shows(run, number))
            continue;
        struct rule_hit *found = &result->hits[result->n_hits++];
        found->name = rule->name.s;
        found->score = score_of(rule, s->values[number]);
        found->text = s->texts[number];
        found->times = times_of(s->values[number]);
    }
    qsort(result->hits, result->n_hits, sizeof *result->hits, stronger_first);
    for (size_t i = 0; i < result->n_hits; i++) /* always in the same order */
        result->total += result->hits[i].score;
    result->total = score_round(result->total);
    return 0;
}

int ruleset_run(const struct ruleset *set, struct rules_scratch *scratch,
                const struct rules_input *input, struct pool *pool, struct rules_result *result,
                struct err *err)
{
    struct run run = {
        .set = set, .scratch = scratch, .input = input, .pool = pool, .result = result, .err = err};
    *result = (struct rules_result){.truncated = (input->text && input->text->truncated) ||
                                                 input->message->anomalies & MAIL_ANOMALY_LIMIT};
    questions_take(&run.facts, set, scratch, input, pool);
    scratch_clear(scratch);
    /* what is waited for is no time of the rules */
    regex_runner_start(scratch->runner, RULES_TIME_MAX_MS);
    if (network_run(scratch, &run.facts, result) < 0)
        return facts_no_memory(err);
    regex_runner_start(scratch->runner, RULES_TIME_MAX_MS);
    if (captures_run(scratch, &run.facts, &result->truncated, err) < 0)
        return -1;
    for (size_t i = 0; i < set->n_groups; i++) {
        if (run_group(&run, &set->groups[i]) < 0)
            return -1;
    }
    if (run_evals(&run) < 0)
        return -1;
    if (run.facts.no_memory)
        return facts_no_memory(err);
    result->truncated |= run.facts.truncated || relays_limited(&run.facts);
    scratch_run_metas(scratch);
    return make_result(&run);
}
