#include <math.h>

#include "bayes/combine.h"

/* A token nearer to 0.5 than this is left out: common words are many and depend on each other, and
 * would drown the few that tell. */
#define DEVIATION_MIN 0.42

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

int bayes_combine(const struct features *features, const struct model_counts *counts, uint64_t spam,
                  uint64_t ham, struct pool *pool, struct bayes_result *result, struct err *err)
{
    struct combination c = {0, 0, 0};
    struct strongest of_spam = {.n = 0}, of_ham = {.n = 0};
    *result = (struct bayes_result){.probability = 0.5};
    if (spam == 0 || ham == 0)
        return 0;
    for (size_t i = 0; i < features->n; i++) {
        double p = 0.5;
        if (counts[i].spam || counts[i].ham)
            p = token_probability(counts[i], spam, ham);
        if (strength(p) < DEVIATION_MIN)
            continue;
        c.log_spam += log(p);
        c.log_ham += log1p(-p);
        c.n++;
        strongest_add(p > 0.5 ? &of_spam : &of_ham, i, p);
    }
    result->tokens = POOL_ARRAY(pool, 2 * BAYES_STRONGEST, struct bayes_token);
    if (result->tokens == NULL)
        return err_set(err, "out of memory for the strongest tokens");
    strongest_take(&of_spam, features, counts, result);
    strongest_take(&of_ham, features, counts, result);
    result->used = c.n > 0;
    result->evidence = combination_evidence(&c);
    result->score = evidence_score(result->evidence, spam, ham);
    result->probability = 1 / (1 + exp(result->score));
    return 0;
}

int bayes_classify(const struct model *model, const struct features *features, struct pool *pool,
                   struct bayes_result *result, struct err *err)
{
    *result = (struct bayes_result){.probability = 0.5};
    if (model == NULL || features->n == 0)
        return 0;
    struct model_counts *counts = POOL_ARRAY(pool, features->n, struct model_counts);
    if (counts == NULL)
        return err_set(err, "out of memory for the counts of one message's tokens");
    model_find(model, features->list, features->n, counts);
    return bayes_combine(features, counts, model_spam(model), model_ham(model), pool, result, err);
}
