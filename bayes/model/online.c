#include "bayes/model/online.h"

#include <stdlib.h>

#include "bayes/model/rehearsal.h"

#define SLOTS_FIRST ((size_t)1 << 16)

struct online {
    struct model_token *slots; /* open addressing, by the low bits of the hash; both counts 0 and
                                  hash 0: empty */
    size_t n_slots;            /* a power of two */
    size_t n;
    int32_t *weights;
    struct knowledge known;
    struct rehearsal *rehearsal; /* a message's digest there is its number */
    uint64_t n_learned;
};

struct online *online_new(struct err *err)
{
    struct online *online = calloc(1, sizeof *online);
    if (online) {
        online->n_slots = SLOTS_FIRST;
        online->slots = calloc(SLOTS_FIRST, sizeof *online->slots);
        online->weights = calloc(GRAM_WEIGHTS, sizeof *online->weights);
        online->known.weights = online->weights;
        online->rehearsal = rehearsal_new(NULL);
    }
    if (online && online->slots && online->weights && online->rehearsal)
        return online;
    online_free(&online);
    err_set(err, "out of memory for a learner");
    return NULL;
}

void online_free(struct online **online)
{
    if (*online) {
        free((*online)->slots);
        free((*online)->weights);
        rehearsal_free(&(*online)->rehearsal);
    }
    free(*online);
    *online = NULL;
}

/* The slot of the hash, or the empty one where it belongs. A hash of 0 is as good as any. */
static struct model_token *slot_find(const struct online *online, uint64_t hash)
{
    size_t mask = online->n_slots - 1, at = (size_t)hash & mask;
    while (online->slots[at].hash && online->slots[at].hash != hash)
        at = (at + 1) & mask;
    return &online->slots[at];
}

static int slots_grow(struct online *online, struct err *err)
{
    struct model_token *old = online->slots;
    size_t n_old = online->n_slots;
    struct model_token *slots = calloc(n_old * 2, sizeof *slots);
    if (slots == NULL)
        return err_set(err, "out of memory for %zu tokens", online->n);
    online->slots = slots;
    online->n_slots = n_old * 2;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].hash)
            *slot_find(online, old[i].hash) = old[i];
    free(old);
    return 0;
}

int online_classify(const struct online *online, const struct features *features, struct pool *pool,
                    struct bayes_result *result, struct err *err)
{
    struct model_counts *counts = POOL_ARRAY(pool, features->n + 1, struct model_counts);
    if (counts == NULL)
        return err_set(err, "out of memory for the counts of one message's tokens");
    for (size_t i = 0; i < features->n; i++)
        counts[i] = slot_find(online, features->list[i].hash)->counts;
    return bayes_combine(features, counts, &online->known, pool, result, err);
}

/* Adds the message to the counts, the weights and the fusion. */
static void apply(struct online *online, const struct features_view *features,
                  enum learn_class class, const struct lesson *lesson)
{
    bool spam = class == LEARN_SPAM;
    for (size_t i = 0; i < features->n_tokens; i++) {
        struct model_token *slot = slot_find(online, features->tokens[i]);
        online->n += slot->hash == 0;
        slot->hash = features->tokens[i];
        ++*(spam ? &slot->counts.spam : &slot->counts.ham);
    }
    ++*(spam ? &online->known.spam : &online->known.ham);
    regression_apply(online->weights, features->grams, features->n_grams, lesson->gram_step);
    fusion_apply(&online->known.fusion, lesson->fusion_step, 1);
}

/* The message joins those of its class, and one of the other is rehearsed. */
static int rehearse(struct online *online, const struct features_view *features,
                    enum learn_class class, struct err *err)
{
    struct rehearsal *rehearsal = online->rehearsal;
    uint64_t number = online->n_learned;
    struct rehearsal_member joins = {number, features->grams, features->n_grams};
    size_t slot = rehearsal_place(rehearsal, class, number);
    if (rehearsal_put(rehearsal, class, slot, &joins, err) < 0)
        return -1;
    rehearsal_keep(rehearsal);
    const struct rehearsal_member *member = rehearsal_choose(rehearsal, class, number);
    if (member == NULL)
        return 0;
    double score = regression_score(online->weights, member->grams, member->n);
    int32_t step = regression_step(score, rehearsal_other(class) == LEARN_SPAM);
    regression_apply(online->weights, member->grams, member->n, step);
    return 0;
}

int online_learn(struct online *online, const struct features_view *features,
                 enum learn_class class, struct err *err)
{
    struct lesson lesson;
    struct model_counts *counts = calloc(features->n_tokens + 1, sizeof *counts);
    if (counts == NULL)
        return err_set(err, "out of memory for the counts of one message's tokens");
    for (size_t i = 0; i < features->n_tokens; i++)
        counts[i] = slot_find(online, features->tokens[i])->counts;
    lesson_make(features, counts, &online->known, class, &lesson);
    free(counts);
    while ((online->n + features->n_tokens) * 2 > online->n_slots)
        if (slots_grow(online, err) < 0)
            return -1;
    apply(online, features, class, &lesson);
    int result = features->n_grams ? rehearse(online, features, class, err) : 0;
    online->n_learned++;
    return result;
}

struct knowledge online_knowledge(const struct online *online)
{
    return online->known;
}

struct model_token *online_tokens(const struct online *online, size_t *n, struct err *err)
{
    struct model_token *tokens = calloc(online->n + 1, sizeof *tokens);
    *n = 0;
    if (tokens == NULL)
        err_set(err, "out of memory for %zu tokens", online->n);
    for (size_t i = 0; tokens && i < online->n_slots; i++)
        if (online->slots[i].hash)
            tokens[(*n)++] = online->slots[i];
    return tokens;
}
