#include "rules/scratch.h"

#include <stdlib.h>

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
    s->states = automaton_states_new(n, err);
    s->values = calloc(n, sizeof *s->values);
    s->done = calloc(n, sizeof *s->done);
    s->limited = calloc(n, sizeof *s->limited);
    s->unknown = calloc(n, sizeof *s->unknown);
    s->open = calloc(n, sizeof *s->open);
    s->at_most = calloc(n, sizeof *s->at_most);
    s->matched = calloc(n, sizeof *s->matched);
    s->next = calloc(n, sizeof *s->next);
    s->texts = calloc(n, sizeof *s->texts);
    s->is_touched = calloc(n, sizeof *s->is_touched);
    s->touched = calloc(n, sizeof *s->touched);
    s->awake = calloc(set->wake.n_words + 1, sizeof *s->awake);
    if (s->runner && s->states && s->values && s->done && s->limited && s->unknown && s->open &&
        s->at_most && s->matched && s->next && s->texts && s->is_touched && s->touched &&
        s->awake) {
        if (set->n)
            memcpy(s->unknown, set->wake.unknown, set->n * sizeof *s->unknown);
        return s;
    }
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
    automaton_states_free(&s->states);
    free(s->values);
    free(s->done);
    free(s->limited);
    free(s->unknown);
    free(s->open);
    free(s->at_most);
    free(s->matched);
    free(s->next);
    free(s->texts);
    free(s->is_touched);
    free(s->touched);
    free(s->awake);
    free(s);
    *scratch = NULL;
}

void scratch_clear(struct rules_scratch *s)
{
    const struct wake *wake = &s->set->wake;
    for (size_t i = 0; i < s->n_touched; i++) {
        uint32_t number = s->touched[i];
        s->values[number] = 0;
        s->done[number] = false;
        s->limited[number] = false;
        s->unknown[number] = wake->unknown[number];
        s->open[number] = false;
        s->texts[number] = STR_EMPTY;
        s->is_touched[number] = false;
    }
    s->n_touched = 0;
    s->n_open = 0;
    if (wake->n_words)
        memcpy(s->awake, wake->always, wake->n_words * sizeof *s->awake);
}

static void touch(struct rules_scratch *s, uint32_t number)
{
    if (s->is_touched[number])
        return;
    s->is_touched[number] = true;
    s->touched[s->n_touched++] = number;
}

void scratch_hit(struct rules_scratch *s, uint32_t number, struct str text)
{
    touch(s, number);
    if (s->values[number] == 0) {
        s->texts[number] = str_sub(text, 0, SCRATCH_TEXT_MAX);
        wake_waiting(&s->set->wake, number, s->awake);
    }
    s->values[number]++;
    s->done[number] = s->values[number] >= s->set->rules[number].hits_max;
}

void scratch_give_up(struct rules_scratch *s, uint32_t number)
{
    touch(s, number);
    s->limited[number] = true;
    s->done[number] = true;
}

void scratch_unknown(struct rules_scratch *s, uint32_t number)
{
    if (s->open[number])
        return;
    touch(s, number);
    s->open[number] = true;
    s->n_open++;
    wake_waiting(&s->set->wake, number, s->awake);
}

/* Does a meta of that value hit? */
static bool meta_hits(struct rules_scratch *s, uint32_t number, double value)
{
    const struct rule *rule = &s->set->rules[number];
    if (!rule->careful)
        return value != 0;
    bool unknown = wake_is_unknown(s->set, number, value, s->unknown);
    if (unknown != s->unknown[number]) {
        touch(s, number);
        s->unknown[number] = unknown;
        wake_waiting(&s->set->wake, number, s->awake);
    }
    return value != 0 && !rule->silent && !s->unknown[number];
}

static void start_open(struct rules_scratch *s)
{
    memcpy(s->at_most, s->values, s->set->n * sizeof *s->values);
    for (size_t i = 0; i < s->n_touched; i++) {
        if (s->open[s->touched[i]])
            s->at_most[s->touched[i]] = 1;
    }
}

/* Would one of the open rules that it asks for, with all others alike, change a meta? */
static bool hangs_on_open(struct rules_scratch *s, const struct expr *expr, bool holds)
{
    bool hangs = (expr_run(expr, s->at_most) != 0) != holds;
    for (size_t i = 0; i < expr->n && !hangs; i++) {
        uint32_t slot = expr->code[i].slot;
        if (expr->code[i].kind != EXPR_LOAD || !s->open[slot])
            continue;
        s->values[slot] = 1;
        hangs = (expr_run(expr, s->values) != 0) != holds;
        s->values[slot] = 0;
        s->at_most[slot] = 0;
        hangs |= (expr_run(expr, s->at_most) != 0) != holds;
        s->at_most[slot] = 1;
    }
    return hangs;
}

/* A meta's value goes on to other metas; one that is not above 0 but true counts as 1. */
void scratch_run_metas(struct rules_scratch *s)
{
    const struct ruleset *set = s->set;
    size_t word = 0, meta;
    bool any_open = s->n_open > 0;
    if (any_open)
        start_open(s);
    while (wake_next(&set->wake, s->awake, &word, &meta)) {
        uint32_t number = set->metas[meta];
        const struct expr *expr = &set->rules[number].expr;
        double value = expr_run(expr, s->values);
        if (any_open && hangs_on_open(s, expr, value != 0)) {
            scratch_unknown(s, number);
            s->at_most[number] = 1;
            continue;
        }
        if (!meta_hits(s, number, value))
            continue;
        touch(s, number);
        s->values[number] = s->at_most[number] = value > 0 ? value : 1;
        wake_waiting(&set->wake, number, s->awake);
    }
}
