#include "rules/wake.h"

#include "rules/ruleset.h"

/* Calls with each rule that a meta's expression loads, as often as it does. */
typedef void loaded(struct wake *wake, uint32_t rule, uint32_t meta);

static void count(struct wake *wake, uint32_t rule, uint32_t meta)
{
    wake->from[rule]++;
}

/* Lists are filled from their ends, so that from[] comes to be where they begin. */
static void put(struct wake *wake, uint32_t rule, uint32_t meta)
{
    wake->waiting[--wake->from[rule]] = meta;
}

static void each_load(struct ruleset *set, loaded *call)
{
    for (uint32_t i = 0; i < set->n_metas; i++) {
        const struct expr *expr = &set->rules[set->metas[i]].expr;
        for (size_t j = 0; j < expr->n; j++) {
            if (expr->code[j].kind == EXPR_LOAD)
                call(&set->wake, expr->code[j].slot, i);
        }
    }
}

/* Each list's end, as a sum of all lengths up to it. */
static uint32_t sum_up(struct wake *wake, size_t n_rules)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n_rules; i++) {
        sum += wake->from[i];
        wake->from[i] = sum;
    }
    wake->from[n_rules] = sum;
    return sum;
}

static void set_bit(uint64_t *bits, size_t i)
{
    bits[i / 64] |= 1ull << (i % 64);
}

/* Does the meta ask for one whose truth is not known? */
static bool asks_for_unknown(const struct expr *expr, const bool *unknown)
{
    for (size_t i = 0; i < expr->n; i++) {
        if (expr->code[i].kind == EXPR_LOAD && unknown[expr->code[i].slot])
            return true;
    }
    return false;
}

bool wake_is_unknown(const struct ruleset *set, uint32_t number, double value, const bool *unknown)
{
    const struct rule *rule = &set->rules[number];
    return asks_for_unknown(&rule->expr, unknown) || (rule->silent && (rule->late || value != 0));
}

static void find_always(struct ruleset *set, const double *no_hits)
{
    for (size_t i = 0; i < set->n_metas; i++) {
        uint32_t number = set->metas[i];
        double value = expr_run(&set->rules[number].expr, no_hits);
        if (value != 0)
            set_bit(set->wake.always, i);
        if (set->rules[number].careful)
            set->wake.unknown[number] = wake_is_unknown(set, number, value, set->wake.unknown);
    }
}

int wake_make(struct ruleset *set, struct err *err)
{
    struct wake *wake = &set->wake;
    double *no_hits = POOL_ARRAY(set->pool, set->n, double);
    wake->n_words = (set->n_metas + 63) / 64;
    wake->from = POOL_ARRAY(set->pool, set->n + 1, uint32_t);
    wake->always = POOL_ARRAY(set->pool, wake->n_words, uint64_t);
    wake->unknown = POOL_ARRAY(set->pool, set->n, bool);
    if (no_hits == NULL || wake->from == NULL || wake->always == NULL || wake->unknown == NULL)
        return err_set(err, "rules: out of memory");
    each_load(set, count);
    wake->waiting = POOL_ARRAY(set->pool, sum_up(wake, set->n), uint32_t);
    if (wake->waiting == NULL)
        return err_set(err, "rules: out of memory");
    each_load(set, put);
    find_always(set, no_hits);
    return 0;
}

void wake_waiting(const struct wake *wake, uint32_t rule, uint64_t *awake)
{
    for (uint32_t i = wake->from[rule]; i < wake->from[rule + 1]; i++)
        set_bit(awake, wake->waiting[i]);
}

bool wake_next(const struct wake *wake, uint64_t *awake, size_t *word, size_t *meta)
{
    while (*word < wake->n_words && awake[*word] == 0)
        (*word)++;
    if (*word == wake->n_words)
        return false;
    *meta = *word * 64 + (size_t)__builtin_ctzll(awake[*word]);
    awake[*word] &= awake[*word] - 1;
    return true;
}
