#include "bayes/model/lesson.h"

#include "bayes/model/combine.h"

void lesson_make(const struct features_view *features, const struct model_counts *counts,
                 const struct knowledge *known, enum learn_class class, struct lesson *lesson)
{
    bool spam = class == LEARN_SPAM;
    double inputs[FUSION_INPUTS] = {0};
    *lesson = (struct lesson){0};
    if (known->weights)
        inputs[FUSION_GRAMS] = regression_score(known->weights, features->grams, features->n_grams);
    if (features->n_grams)
        lesson->gram_step = regression_step(inputs[FUSION_GRAMS], spam);
    if (known->spam == 0 || known->ham == 0)
        return;
    struct combination c = COMBINATION_NONE;
    for (size_t i = 0; i < features->n_tokens; i++)
        combination_add(&c, counts[i], known->spam, known->ham);
    inputs[FUSION_TOKENS] = evidence_odds(combination_evidence(&c));
    fusion_step(&known->fusion, inputs, spam, lesson->fusion_step);
}
