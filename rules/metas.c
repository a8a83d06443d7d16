#include "rules/compile.h"

/* Who waits for a meta, as lists in one array: edges[heads[m]], then .next, till NAMES_NONE. */
struct edge {
    uint32_t waiting;
    uint32_t next;
};

struct graph {
    const struct ruleset *set;
    struct edge *edges;
    size_t n_edges;
    uint32_t *heads;   /* [set->n] */
    uint32_t *missing; /* [set->n]: how many metas a meta still waits for */
};

static bool is_meta(const struct ruleset *set, uint32_t number)
{
    return set->rules[number].kind == RULE_META;
}

/* What a meta's code loads of other metas; counts only when `graph->edges` is NULL. */
static void add_edges(struct graph *graph, uint32_t number)
{
    const struct expr *expr = &graph->set->rules[number].expr;
    for (size_t i = 0; i < expr->n; i++) {
        uint32_t needed = expr->code[i].slot;
        if (expr->code[i].kind != EXPR_LOAD || !is_meta(graph->set, needed))
            continue;
        if (graph->edges) {
            graph->edges[graph->n_edges] = (struct edge){number, graph->heads[needed]};
            graph->heads[needed] = (uint32_t)graph->n_edges;
            graph->missing[number]++;
        }
        graph->n_edges++;
    }
}

static int build(struct graph *graph, struct pool *pool, struct err *err)
{
    const struct ruleset *set = graph->set;
    for (uint32_t i = 0; i < set->n; i++)
        add_edges(graph, i);
    graph->edges = POOL_ARRAY(pool, graph->n_edges, struct edge);
    graph->heads = POOL_ARRAY(pool, set->n, uint32_t);
    graph->missing = POOL_ARRAY(pool, set->n, uint32_t);
    if (graph->edges == NULL || graph->heads == NULL || graph->missing == NULL)
        return err_set(err, "rules: out of memory");
    graph->n_edges = 0;
    for (uint32_t i = 0; i < set->n; i++)
        graph->heads[i] = NAMES_NONE;
    for (uint32_t i = 0; i < set->n; i++)
        add_edges(graph, i);
    return 0;
}

/* Takes metas that wait for none, then those that waited for them, and so on. */
static void sort(struct graph *graph, struct ruleset *set)
{
    for (uint32_t i = 0; i < set->n; i++) {
        if (is_meta(set, i) && graph->missing[i] == 0)
            set->metas[set->n_metas++] = i;
    }
    for (size_t done = 0; done < set->n_metas; done++) {
        uint32_t at = graph->heads[set->metas[done]];
        for (; at != NAMES_NONE; at = graph->edges[at].next) {
            uint32_t waiting = graph->edges[at].waiting;
            if (--graph->missing[waiting] == 0)
                set->metas[set->n_metas++] = waiting;
        }
    }
}

/* What a meta takes over from those below it, which stand before it in the order. */
static void inherit(struct ruleset *set)
{
    for (size_t i = 0; i < set->n_metas; i++) {
        struct rule *rule = &set->rules[set->metas[i]];
        rule->careful = rule->silent;
        for (size_t j = 0; j < rule->expr.n; j++) {
            const struct rule *below = &set->rules[rule->expr.code[j].slot];
            if (rule->expr.code[j].kind != EXPR_LOAD)
                continue;
            rule->careful |= below->kind == RULE_META && below->careful;
            rule->late |= below->kind == RULE_NONE || (below->kind == RULE_META && below->late);
        }
    }
}

int metas_order(const struct book *book, struct ruleset *set, struct err *err)
{
    struct graph graph = {.set = set};
    set->metas = POOL_ARRAY(set->pool, set->n, uint32_t);
    if (set->metas == NULL)
        return err_set(err, "rules: out of memory");
    if (build(&graph, book->pool, err) < 0)
        return -1;
    sort(&graph, set);
    inherit(set);
    for (uint32_t i = 0; i < set->n; i++) {
        struct rule *rule = &set->rules[i];
        if (!is_meta(set, i) || graph.missing[i] == 0)
            continue;
        book_report(book, rule->file, rule->line,
                    "%.*s asks for itself, or for rules that do, in a circle; it never hits",
                    STR_ARG(rule->name));
        rule->kind = RULE_NONE;
    }
    return 0;
}
