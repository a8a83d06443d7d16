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

static void find_always(struct ruleset *set, const double *no_hits)
{
    for (size_t i = 0; i < set->n_metas; i++) {
        const struct rule *rule = &set->rules[set->metas[i]];
        if (rule->careful || expr_run(&rule->expr, no_hits) != 0)
            set_bit(set->wake.always, i);
    }
}

int wake_make(struct ruleset *set, struct err *err)
{
    struct wake *wake = &set->wake;
    double *no_hits = POOL_ARRAY(set->pool, set->n, double);
    wake->n_words = (set->n_metas + 63) / 64;
    wake->from = POOL_ARRAY(set->pool, set->n + 1, uint32_t);
    wake->always = POOL_ARRAY(set->pool, wake->n_words, uint64_t);
    if (no_hits == NULL || wake->from == NULL || wake->always == NULL)
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
