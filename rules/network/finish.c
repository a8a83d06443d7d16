/* What rules of the network have to do with each other and with metas, once all are there. */
#include <math.h>

#include "rules/ruleset.h"

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* The largest score that may change with each rule, its own included. */
static void weigh(const struct ruleset *set, double *worth)
{
    for (size_t i = 0; i < set->n; i++)
        worth[i] = fabs(set->rules[i].score);
    for (size_t i = set->n_metas; i-- > 0;) { /* those that ask stand behind those they ask */
        const struct expr *expr = &set->rules[set->metas[i]].expr;
        for (size_t k = 0; k < expr->n; k++) {
            if (expr->code[k].kind == EXPR_LOAD)
                worth[expr->code[k].slot] = larger(worth[expr->code[k].slot], worth[set->metas[i]]);
        }
    }
}

/* Chains those that look at a set, each before the one that the table had. */
static bool chain(struct ruleset *set, struct names *sets)
{
    struct network_rules *network = &set->network;
    for (size_t i = 0; i < network->n; i++) {
        struct network_rule *rule = &network->rules[i];
        if (rule->source != NETWORK_SAME_SET)
            continue;
        rule->next = names_find(sets, rule->set);
        if (!names_put(sets, set->pool, rule->set, (uint32_t)i))
            return false;
    }
    return true;
}

int network_finish(struct ruleset *set, struct err *err)
{
    struct network_rules *network = &set->network;
    struct names sets = {.n = 0};
    if (network->n == 0)
        return 0;
    double *worth = POOL_ARRAY(set->pool, set->n, double);
    if (worth == NULL || !chain(set, &sets))
        return err_set(err, "rules: out of memory");
    weigh(set, worth);
    for (size_t i = 0; i < network->n; i++) {
        struct network_rule *rule = &network->rules[i];
        rule->worth = worth[rule->number];
        if (rule->source == NETWORK_SAME_SET || rule->set.n == 0)
            continue;
        rule->first = names_find(&sets, rule->set);
        for (uint32_t k = rule->first; k != NETWORK_NONE; k = network->rules[k].next)
            rule->worth = larger(rule->worth, worth[network->rules[k].number]);
    }
    return 0;
}
