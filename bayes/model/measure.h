/*
 * measure: how well a filter did on messages of known class, in the terms of the TREC spam track
 * (G. Cormack, T. Lynam, "TREC 2005 Spam Track Overview", section 4).
 */
#ifndef POTERNE_BAYES_MODEL_MEASURE_H
#define POTERNE_BAYES_MODEL_MEASURE_H

#include "base/str.h"

/* One message: what it is, what the filter made of it. Higher scores are more like spam. */
struct judged {
    double score;
    bool spam;
    bool called_spam;
};

struct measures {
    size_t ham; /* messages */
    size_t spam;
    double hm;  /* % of ham called spam */
    double sm;  /* % of spam called ham */
    double lam; /* logistic average of both, %: logit^-1 of the mean of their logits; 0 when one
                   of them is 0 */
    double above_roc; /* 1-ROCA%: of all pairs of a ham and a spam, % where the ham has the higher
                         score; equal scores count half */
    double sm_at_hm;  /* % of spam called ham by the lowest threshold that calls at most 0.1 % of
                         ham spam; messages of equal score are on the same side */
};

/* Sorts the list by score. All 0 where a class has no message. */
void measure(struct judged *list, size_t n, struct measures *measures);

#endif
