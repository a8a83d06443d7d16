#include "bayes/model/combine.h"

#include <math.h>

/* Fitted on both corpora, see README.md. */
#define NEVER_SEEN      0.01
#define INDEPENDENT_MAX 8.0
/* A token nearer to 0.5 than this is left out: common words are many and depend on each other, and
 * would drown the few that tell. */
#define DEVIATION_MIN 0.47
#define ODDS_PER_UNIT 0.38 /* of evidence */
#define SCORE_MAX     8.0

#define SERIES_MAX 1000
#define PRECISION  1e-14

/* A product above this has room for any other probability. */
#define PRODUCT_MIN 1e-250

/* How often spam and ham hold a token, as shares of their sum. */
struct shares {
    double spam;
    double ham;
};

static struct shares shares_of(struct model_counts counts, uint64_t spam, uint64_t ham)
{
    double s = (counts.spam + NEVER_SEEN) * ((double)ham + 2 * NEVER_SEEN);
    double h = (counts.ham + NEVER_SEEN) * ((double)spam + 2 * NEVER_SEEN);
    double whole = 1 / (s + h);
    return (struct shares){s * whole, h * whole};
}

double token_probability(struct model_counts counts, uint64_t spam, uint64_t ham)
{
    return shares_of(counts, spam, ham).spam;
}

/* P(a, x) by its power series, for x < a + 1. */
static double series(double a, double x, double log_factor)
{
    double term = 1 / a, sum = term;
    for (unsigned i = 1; i < SERIES_MAX && term > sum * PRECISION; i++) {
        term *= x / (a + i);
        sum += term;
    }
    return exp(log_factor + log(sum));
}

/* Q(a, x) without its factor, by Legendre's continued fraction, from the front (Lentz's method),
 * for x >= a + 1, where none of its denominators comes near 0. */
static double fraction(double a, double x)
{
    double b = x + 1 - a, c = 0, d = 1 / b, value = d;
    for (unsigned i = 1; i < SERIES_MAX; i++) {
        double numerator = -(double)i * (i - a);
        b += 2;
        d = 1 / (b + numerator * d);
        c = i == 1 ? b : b + numerator / c;
        value *= c * d;
        if (fabs(c * d - 1) < PRECISION)
            break;
    }
    return value;
}

double gamma_log_tail(double a, double x)
{
    int sign;
    if (x <= 0)
        return 0;
    double log_factor = a * log(x) - x - lgamma_r(a, &sign);
    if (x < a + 1)
        return log1p(-series(a, x, log_factor));
    return log_factor + log(fraction(a, x));
}

double combination_add(struct combination *c, struct model_counts counts, uint64_t spam,
                       uint64_t ham)
{
    if (counts.spam == 0 && counts.ham == 0)
        return 0.5;
    struct shares p = shares_of(counts, spam, ham);
    if (fabs(p.spam - 0.5) < DEVIATION_MIN)
        return 0.5;
    c->spam *= p.spam;
    c->ham *= p.ham;
    c->n++;
    if (c->spam < PRODUCT_MIN || c->ham < PRODUCT_MIN) {
        c->log_spam += log(c->spam);
        c->log_ham += log(c->ham);
        c->spam = c->ham = 1;
    }
    return p.spam;
}

double combination_evidence(const struct combination *c)
{
    if (c->n == 0)
        return 0;
    double share = INDEPENDENT_MAX / ((double)c->n + INDEPENDENT_MAX);
    double size = (double)c->n * share;
    double log_spam = c->log_spam + log(c->spam), log_ham = c->log_ham + log(c->ham);
    return gamma_log_tail(size, -log_spam * share) - gamma_log_tail(size, -log_ham * share);
}

double evidence_odds(double evidence)
{
    return ODDS_PER_UNIT * evidence;
}

double odds_score(double odds, uint64_t spam, uint64_t ham)
{
    uint64_t fewer = spam < ham ? spam : ham;
    double most = fmin(SCORE_MAX, log1p((double)fewer));
    return fmax(-most, fmin(most, -odds));
}
