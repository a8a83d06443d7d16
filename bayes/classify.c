#include <math.h>

#include "bayes/combine.h"

/* A token nearer to 0.5 than this says too little to be counted. */
#define DEVIATION_MIN 0.3

/* The strongest of one side, strongest first. */
struct strongest {
    struct {
        size_t feature;
        double probability;
    } list[BAYES_STRONGEST];
    size_t n;
};

struct sums {
    double log_spam; /* of the tokens' probabilities of spam */
    double log_ham;
    size_t n;
    struct strongest spam;
    struct strongest ham;
};

static void strongest_add(struct strongest *s, size_t feature, double probability)
{
    double strength = fabs(probability - 0.5);
    size_t at = s->n;
    if (at == BAYES_STRONGEST && fabs(s->list[at - 1].probability - 0.5) >= strength)
        return;
    if (s->n < BAYES_STRONGEST)
        s->n++;
    for (at = s->n - 1; at > 0 && fabs(s->list[at - 1].probability - 0.5) < strength; at--)
        s->list[at] = s->list[at - 1];
    s->list[at].feature = feature;
    s->list[at].probability = probability;
}

static void sums_add(struct sums *sums, size_t feature, double probability)
{
    if (fabs(probability - 0.5) < DEVIATION_MIN)
        return;
    sums->log_spam += log(probability);
    sums->log_ham += log1p(-probability);
    sums->n++;
    strongest_add(probability > 0.5 ? &sums->spam : &sums->ham, feature, probability);
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
    struct sums sums = {.n = 0};
    *result = (struct bayes_result){.probability = 0.5};
    if (spam == 0 || ham == 0)
        return 0;
    for (size_t i = 0; i < features->n; i++)
        if (counts[i].spam || counts[i].ham)
            sums_add(&sums, i, token_probability(counts[i], spam, ham));
    result->tokens = POOL_ARRAY(pool, 2 * BAYES_STRONGEST, struct bayes_token);
    if (result->tokens == NULL)
        return err_set(err, "out of memory for the strongest tokens");
    strongest_take(&sums.spam, features, counts, result);
    strongest_take(&sums.ham, features, counts, result);
    result->used = sums.n > 0;
    double ham_tail = chi2_log_tail(-sums.log_spam, sums.n);
    double spam_tail = chi2_log_tail(-sums.log_ham, sums.n);
    result->evidence = ham_tail - spam_tail;
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
