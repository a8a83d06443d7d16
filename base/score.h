/*
 * score: sums of scores. Rules score in tenths and hundredths, which binary fractions do not add up
 * exactly: a sum counts in thousandths, as SpamAssassin's, so that five rules of 1.1 less one of
 * 0.5 reach 5.
 */
#ifndef POTERNE_BASE_SCORE_H
#define POTERNE_BASE_SCORE_H

#include <math.h>

static inline double score_round(double sum)
{
    return round(sum * 1000) / 1000 + 0.0; /* never -0 */
}

#endif
