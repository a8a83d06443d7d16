#include <math.h>

#include "bayes/model/combine.h"
#include "bayes/model/regression.h"

/* The strongest of one side, strongest first. */
struct strongest {
    struct {
        size_t feature;
        double probability;
    } list[BAYES_STRONGEST];
    size_t n;
};

static double strength(double probability)
{
    return fabs(probability - 0.5);
}

static void strongest_add(struct strongest *s, size_t feature, double probability)
{
    size_t at = s->n;
    if (at == BAYES_STRONGEST && strength(s->list[at - 1].probability) >= strength(probability))
        return;
    if (s->n < BAYES_STRONGEST)
        s->n++;
    for (at = s->n - 1; at > 0; at--) {
        if (strength(s->list[at - 1].probability) >= strength(probability))
            break;
        s->list[at] = s->list[at - 1];
    }
    s->list[at].feature = feature;
    s->list[at].probability = probability;
}

static void strongest_take(const struct strongest *from, const struct features *features,
                           const struct model_counts *counts, struct bayes_result *result)
{
    for (size_t i = 0; i < from->n; i++) {
        size_t feature = from->list[i].feature;
        result->tokens[result->n_tokens++] =
            (struct bayes_token){features->list[feature].text, from->list[i].probability,
                                 counts[feature].spam, counts[feature].ham};
    }
}

/* Adds up what the tokens say, and notes the strongest. */
static int tokens_combine(const struct features *features, const struct model_counts *counts,
                          const struct knowledge *known, struct combination *c, struct pool *pool,
                          struct bayes_result *result, struct err *err)
{
    struct strongest of_spam = {.n = 0}, of_ham = {.n = 0};
    for (size_t i = 0; i < features->n; i++) {
        double p = combination_add(c, counts[i], known->spam, known->ham);
        if (p < 0.5)
            strongest_add(&of_ham, i, p);
        else if (p > 0.5)
            strongest_add(&of_spam, i, p);
    }
    result->tokens = POOL_ARRAY(pool, 2 * BAYES_STRONGEST, struct bayes_token);
    if (result->tokens == NULL)
        return err_set(err, "out of memory for the strongest tokens");
    strongest_take(&of_spam, features, counts, result);
    strongest_take(&of_ham, features, counts, result);
    return 0;
}

int bayes_combine(const struct features *features, const struct model_counts *counts,
                  const struct knowledge *known, struct pool *pool, struct bayes_result *result,
                  struct err *err)
{
    struct combination c = COMBINATION_NONE;
    *result = (struct bayes_result){.probability = 0.5};
    if (known->spam == 0 || known->ham == 0)
        return 0;
    if (tokens_combine(features, counts, known, &c, pool, result, err) < 0)
        return -1;
    result->members[FUSION_TOKENS] = evidence_odds(combination_evidence(&c));
    if (known->weights)
        result->members[FUSION_GRAMS] =
            regression_score(known->weights, features->grams, features->n_grams);
    result->used = c.n > 0 || (known->weights && features->n_grams > 0);
    if (!result->used)
        return 0;
    result->evidence = fusion_score(&known->fusion, result->members) - known->caution;
    result->score = odds_score(result->evidence, known->spam, known->ham);
    result->probability = 1 / (1 + exp(result->score));
    return 0;
}

int bayes_classify(const struct model *model, const struct features *features, struct pool *pool,
                   struct bayes_result *result, struct err *err)
{
    *result = (struct bayes_result){.probability = 0.5};
    if (model == NULL || (features->n == 0 && features->n_grams == 0))
        return 0;
    struct model_counts *counts = POOL_ARRAY(pool, features->n + 1, struct model_counts);
    if (counts == NULL)
        return err_set(err, "out of memory for the counts of one message's tokens");
    struct knowledge known = model_knowledge(model);
    model_find(model, features->list, features->n, counts);
    return bayes_combine(features, counts, &known, pool, result, err);
}
