#include "bayes/model/regression.h"

#include <math.h>

#define RATE 0.004
/* A score that is right by so much teaches nothing: it is wrong once in exp(3) = 20 times. */
#define FAR 3.0

double regression_score(const int32_t *weights, const uint32_t *grams, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weights[grams[i]];
    return (double)sum / WEIGHT_ONE;
}

int32_t regression_step(double score, bool spam)
{
    double right = spam ? score : -score;
    if (right > FAR)
        return 0;
    int32_t step = (int32_t)lround(RATE * WEIGHT_ONE / (1 + exp(right)));
    return spam ? step : -step;
}

void regression_apply(int32_t *weights, const uint32_t *grams, size_t n, int32_t step)
{
    for (size_t i = 0; i < n; i++)
        weights[grams[i]] = (int32_t)((uint32_t)weights[grams[i]] + (uint32_t)step);
}
