#include "bayes/features/kept.h"

#include <stdlib.h>

struct features_view *features_keep(const struct features *features, struct err *err)
{
    size_t tokens = features->n * sizeof(uint64_t), grams = features->n_grams * sizeof(uint32_t);
    struct features_view *kept = malloc(sizeof *kept + tokens + grams);
    if (kept == NULL) {
        err_set(err, "out of memory for the features of one message");
        return NULL;
    }
    uint64_t *list = (uint64_t *)(kept + 1);
    uint32_t *positions = (uint32_t *)(list + features->n);
    for (size_t i = 0; i < features->n; i++)
        list[i] = features->list[i].hash;
    if (features->n_grams)
        memcpy(positions, features->grams, grams);
    *kept = (struct features_view){list, features->n, positions, features->n_grams};
    return kept;
}

void features_kept_free(struct features_view **kept)
{
    free(*kept);
    *kept = NULL;
}
