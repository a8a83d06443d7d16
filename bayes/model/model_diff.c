#include "bayes/model/model_diff.h"

#include <stdlib.h>

#include "bayes/model/model.h"

#define AT_ONCE 1024 /* tokens looked up together: hides cache misses */

struct comparing {
    const struct model *other;
    struct feature features[AT_ONCE];
    struct model_counts counts[AT_ONCE];
    struct model_counts found[AT_ONCE];
    size_t n;
    uint64_t missing; /* in the other */
    uint64_t differing;
    uint64_t same;
};

static void look_up(struct comparing *c)
{
    model_find(c->other, c->features, c->n, c->found);
    for (size_t i = 0; i < c->n; i++) {
        const struct model_counts *mine = &c->counts[i], *its = &c->found[i];
        if (its->spam == 0 && its->ham == 0)
            c->missing++;
        else if (mine->spam == its->spam && mine->ham == its->ham)
            c->same++;
        else
            c->differing++;
    }
    c->n = 0;
}

static int take(void *data, const struct model_token *token, struct err *err)
{
    struct comparing *c = data;
    c->features[c->n].hash = token->hash;
    c->counts[c->n++] = token->counts;
    if (c->n == AT_ONCE)
        look_up(c);
    return 0;
}

static int compare(const struct model *model, const struct model *other, struct comparing *c,
                   struct err *err)
{
    *c = (struct comparing){.other = other};
    if (model_walk(model, take, c, err) != 0)
        return -1;
    look_up(c);
    return 0;
}

static uint32_t weights_changed(const struct model *first, const struct model *second)
{
    const int32_t *one = model_knowledge(first).weights, *two = model_knowledge(second).weights;
    uint32_t changed = 0;
    for (size_t i = 0; i < GRAM_WEIGHTS && (one || two); i++)
        changed += (one ? one[i] : 0) != (two ? two[i] : 0);
    return changed;
}

int model_diff(const struct model *first, const struct model *second, struct model_diff *diff,
               struct err *err)
{
    struct comparing *c = malloc(sizeof *c);
    if (c == NULL)
        return err_set(err, "out of memory for comparing models");
    *diff = (struct model_diff){.weights_changed = weights_changed(first, second)};
    int result = compare(first, second, c, err);
    if (result == 0) {
        diff->tokens_gone = c->missing;
        diff->tokens_changed = c->differing;
        diff->tokens_same = c->same;
        result = compare(second, first, c, err);
        diff->tokens_new = c->missing;
    }
    free(c);
    return result;
}
