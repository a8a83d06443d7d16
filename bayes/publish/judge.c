#include "bayes/publish/judge.h"

#include <stdlib.h>

#define POOL_MAX ((size_t)16 * 1024 * 1024) /* for classifying one message */

int judge_open(struct judge *judge, struct err *err)
{
    *judge = (struct judge){.pool = pool_new(POOL_MAX),
                            .list = calloc(FEATURES_MAX, sizeof(struct feature))};
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

int judge_message(struct judge *judge, const struct features_view *view, struct err *err)
{
    if (view->n_tokens > FEATURES_MAX)
        return err_set(err, "%zu features in one message, the limit is %d", view->n_tokens,
                       FEATURES_MAX);
    for (size_t i = 0; i < view->n_tokens; i++)
        judge->list[i].hash = view->tokens[i];
    judge->features = (struct features){.list = judge->list,
                                        .n = view->n_tokens,
                                        .grams = (uint32_t *)(uintptr_t)view->grams, /* only read */
                                        .n_grams = view->n_grams};
    return 0;
}

int judge_score(struct judge *judge, const struct model *model, double *score, bool *used,
                struct err *err)
{
    struct bayes_result result;
    pool_reset(judge->pool);
    if (bayes_classify(model, &judge->features, judge->pool, &result, err) < 0)
        return -1;
    *used |= result.used;
    *score = result.used ? -result.evidence : 0;
    return 0;
}

int judge_both(struct judge *judge, const struct model *before, const struct model *after,
               struct guard_sample *sample, struct err *err)
{
    bool used = false;
    if (judge_score(judge, before, &sample->before, &used, err) < 0 ||
        judge_score(judge, after, &sample->after, &used, err) < 0)
        return -1;
    return used;
}
