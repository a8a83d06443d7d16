/*
 * model: what only this folder and its tests need of a model: looking up counts, and writing one.
 */
#ifndef POTERNE_BAYES_MODEL_MODEL_H
#define POTERNE_BAYES_MODEL_MODEL_H

#include "bayes/bayes.h"
#include "bayes/model/fusion.h"

struct model_counts {
    uint32_t spam; /* learned messages of each class that hold the token */
    uint32_t ham;
};

/* counts[i] belongs to features[i]; 0 and 0 for one that is not in the model. */
void model_find(const struct model *model, const struct feature *features, size_t n,
                struct model_counts *counts);

/* What is known beside the counts of tokens. */
struct knowledge {
    uint64_t spam; /* messages learned */
    uint64_t ham;
    const int32_t *weights; /* of grams: GRAM_WEIGHTS of them; NULL: none learned */
    struct fusion fusion;
    double
        caution; /* natural log-odds by which all mail is held to be less likely spam: 0 or more */
};

/* The weights stay the model's. */
struct knowledge model_knowledge(const struct model *model);

/* Pass 2 on counts, wherever they come from: counts[i] belongs to features->list[i]. -1 only when
 * the pool is used up. */
int bayes_combine(const struct features *features, const struct model_counts *counts,
                  const struct knowledge *known, struct pool *pool, struct bayes_result *result,
                  struct err *err);

struct model_token {
    uint64_t hash;
    struct model_counts counts;
};

struct model_facts {
    uint64_t generation;
    uint64_t built; /* seconds since 1970 */
    struct knowledge known;
};

/*
 * Writes a model to fd, which stands at the beginning of an empty file, and fsyncs it. Each hash
 * once; the array is sorted anew; tokens without any count are left out. At most
 * MODEL_TOKENS_MAX tokens.
 */
int model_write(int fd, const char *path, const struct model_facts *facts,
                struct model_token *tokens, size_t n, struct err *err);

/* The one thing that is changed of a model, before it serves: what the guard asks for (guard.h). It
 * is seen by those who have it open. Durable. */
int model_caution_write(int fd, const char *path, double caution, struct err *err);

/* Every token of the model, in no order, until `each` returns other than 0, which is returned. */
int model_walk(const struct model *model,
               int (*each)(void *data, const struct model_token *token, struct err *err),
               void *data, struct err *err);

#endif
