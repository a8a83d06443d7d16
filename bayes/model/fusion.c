#include "bayes/model/fusion.h"

#include <math.h>

#define INPUT_MAX 16.0 /* of a member's log-odds */
#define RATE      0.0005
/* Learning may take so much from a shipped weight, or add so much, in shares of it. */
#define LESS 0.3
#define MORE 0.5

static const double shipped[FUSION_INPUTS] = {
    [FUSION_TOKENS] = 0.5,
    [FUSION_GRAMS] = 0.6,
};

static double input_at(const double inputs[FUSION_INPUTS], size_t i)
{
    return fmax(-INPUT_MAX, fmin(INPUT_MAX, inputs[i]));
}

static double weight_learned(const struct fusion *fusion, size_t i)
{
    return shipped[i] + (double)fusion->learned[i] / FUSION_ONE;
}

static double weight_at(const struct fusion *fusion, size_t i)
{
    double weight = weight_learned(fusion, i);
    return fmax(shipped[i] * (1 - LESS), fmin(shipped[i] * (1 + MORE), weight));
}

/* No weight is pushed further beyond a bound: it would take as long to come back. */
static bool is_useless(const struct fusion *fusion, size_t i, double step)
{
    double weight = weight_learned(fusion, i);
    return (weight <= shipped[i] * (1 - LESS) && step < 0) ||
           (weight >= shipped[i] * (1 + MORE) && step > 0);
}

double fusion_score(const struct fusion *fusion, const double inputs[FUSION_INPUTS])
{
    double sum = 0;
    for (size_t i = 0; i < FUSION_INPUTS; i++)
        sum += weight_at(fusion, i) * input_at(inputs, i);
    return sum;
}

void fusion_step(const struct fusion *fusion, const double inputs[FUSION_INPUTS], bool spam,
                 int32_t step[FUSION_INPUTS])
{
    double error = (spam ? 1 : 0) - 1 / (1 + exp(-fusion_score(fusion, inputs)));
    for (size_t i = 0; i < FUSION_INPUTS; i++) {
        double change = RATE * error * input_at(inputs, i);
        step[i] = is_useless(fusion, i, change) ? 0 : (int32_t)lround(change * FUSION_ONE);
    }
}

void fusion_apply(struct fusion *fusion, const int32_t step[FUSION_INPUTS], int times)
{
    for (size_t i = 0; i < FUSION_INPUTS; i++)
        fusion->learned[i] =
            (int32_t)((uint32_t)fusion->learned[i] + (uint32_t)times * (uint32_t)step[i]);
}
