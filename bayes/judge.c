#include "bayes/judge.h"

#include <stdlib.h>

#define POOL_MAX ((size_t)16 * 1024 * 1024) /* for classifying one message */

int judge_open(struct judge *judge, const struct model *before, const struct model *after,
               struct err *err)
{
    *judge = (struct judge){before, after, pool_new(POOL_MAX),
                            calloc(FEATURES_MAX, sizeof(struct feature))};
    if (judge->pool && judge->list)
        return 0;
    judge_close(judge);
    return err_set(err, "out of memory for judging messages");
}

void judge_close(struct judge *judge)
{
    pool_free(&judge->pool);
    free(judge->list);
    judge->list = NULL;
}

static int score(struct judge *judge, const struct model *model, const struct features *features,
                 double *score, bool *used, struct err *err)
{
    struct bayes_result result;
    pool_reset(judge->pool);
    if (bayes_classify(model, features, judge->pool, &result, err) < 0)
        return -1;
    *used |= result.used;
    *score = result.used ? -result.evidence : 0;
    return 0;
}

int judge_both(struct judge *judge, const struct features_view *view, bool spam,
               struct guard_sample *sample, struct err *err)
{
    struct features features = {.list = judge->list,
                                .n = view->n_tokens,
                                .grams = (uint32_t *)(uintptr_t)view->grams, /* only read */
                                .n_grams = view->n_grams};
    bool used = false;
    if (view->n_tokens > FEATURES_MAX)
        return err_set(err, "%zu features in one message, the limit is %d", view->n_tokens,
                       FEATURES_MAX);
    for (size_t i = 0; i < view->n_tokens; i++)
        judge->list[i].hash = view->tokens[i];
    sample->spam = spam;
    if (score(judge, judge->before, &features, &sample->before, &used, err) < 0 ||
        score(judge, judge->after, &features, &sample->after, &used, err) < 0)
        return -1;
    return used;
}
