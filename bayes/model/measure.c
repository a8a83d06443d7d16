#include "bayes/model/measure.h"

#include <math.h>
#include <stdlib.h>

#define HAM_SHARE 0.001 /* that may be lost at the threshold of sm_at_hm */

static int by_score(const void *a, const void *b)
{
    double x = ((const struct judged *)a)->score, y = ((const struct judged *)b)->score;
    return x < y ? -1 : x > y;
}

/* How many of each class have the same score as list[from]; returns where they end. */
static size_t ties(const struct judged *list, size_t n, size_t from, double *ham, double *spam)
{
    size_t to = from;
    *ham = *spam = 0;
    for (; to < n && !(list[to].score > list[from].score); to++)
        *(list[to].spam ? spam : ham) += 1;
    return to;
}

static double above_roc(const struct judged *list, size_t n, double hams, double spams)
{
    double wrong = 0, spam_below = 0, ham, spam;
    for (size_t at = 0; at < n;) {
        at = ties(list, n, at, &ham, &spam);
        wrong += ham * (spam_below + spam / 2);
        spam_below += spam;
    }
    return 100 * wrong / (hams * spams);
}

static double missed(const struct judged *list, size_t n, double hams, double spams)
{
    double ham_above = hams, spam_below = 0, ham, spam;
    for (size_t at = 0; at < n && ham_above > HAM_SHARE * hams;) {
        at = ties(list, n, at, &ham, &spam);
        ham_above -= ham;
        spam_below += spam;
    }
    return 100 * spam_below / spams;
}

static double logistic_mean(double hm, double sm)
{
    if (hm <= 0 || sm <= 0)
        return 0;
    if (hm >= 100 || sm >= 100)
        return 100;
    double odds = sqrt(hm / (100 - hm) * (sm / (100 - sm)));
    return 100 * odds / (1 + odds);
}

void measure(struct judged *list, size_t n, struct measures *m)
{
    double wrong[2] = {0, 0};
    *m = (struct measures){0};
    for (size_t i = 0; i < n; i++) {
        ++*(list[i].spam ? &m->spam : &m->ham);
        wrong[list[i].spam] += list[i].spam != list[i].called_spam;
    }
    if (m->ham == 0 || m->spam == 0)
        return;
    double hams = (double)m->ham, spams = (double)m->spam;
    qsort(list, n, sizeof list[0], by_score);
    m->hm = 100 * wrong[false] / hams;
    m->sm = 100 * wrong[true] / spams;
    m->lam = logistic_mean(m->hm, m->sm);
    m->above_roc = above_roc(list, n, hams, spams);
    m->sm_at_hm = missed(list, n, hams, spams);
}
