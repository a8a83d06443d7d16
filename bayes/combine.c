#include "bayes/combine.h"

#include <math.h>

/* The prior of a token never seen, and how many sightings it weighs. */
#define PRIOR          0.5
#define PRIOR_STRENGTH 0.05

double token_probability(struct model_counts counts, uint64_t spam, uint64_t ham)
{
    double s = (double)counts.spam / (double)spam;
    double h = (double)counts.ham / (double)ham;
    double n = (double)counts.spam + (double)counts.ham;
    if (n == 0)
        return PRIOR;
    return (PRIOR_STRENGTH * PRIOR + n * (s / (s + h))) / (PRIOR_STRENGTH + n);
}

/*
 * With an even number of degrees of freedom the tail is a finite sum: e^-m * sum of m^i / i! for
 * i < n. It is summed from its last term downwards, relative to that term; scaling keeps the sum
 * inside a double's range when the terms rise (i > m).
 */
double chi2_log_tail(double m, size_t n)
{
    const double big = 1e200, log_big = 200 * M_LN10;
    double term = 1, sum = 1, scale = 0;
    int sign;
    if (n == 0 || m <= 0)
        return 0;
    for (size_t i = n - 1; i > 0; i--) {
        term *= (double)i / m;
        sum += term;
        if (term < sum * 1e-17)
            break;
        if (sum > big) {
            term /= big;
            sum /= big;
            scale += log_big;
        }
    }
    double tail = (double)(n - 1) * log(m) - m - lgamma_r((double)n, &sign) + log(sum) + scale;
    return tail < 0 ? tail : 0;
}
