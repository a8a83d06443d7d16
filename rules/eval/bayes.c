/*
 * bayes: SpamAssassin's Bayes.pm. What pass 2 says is in the verdict by itself; these rules look at
 * its probability, for metas, where who calls the rules ran a trained pass 2 first (else they are
 * as with `use_bayes 0`), and score nothing unless a file says `poterne_bayes_scores 1`.
 */
#include "rules/eval/eval.h"

/* (MIN, MAX): the probability of spam; MIN itself left out unless 0, MAX may be "undef" */
static double check_bayes(struct eval_context *c)
{
    double spam = c->input->bayes;
    if (!c->input->bayes_known)
        return 0;
    bool open = str_eq(c->a[1].text, STR("undef"));
    return (c->a[0].number == 0 || spam > c->a[0].number) && (open || spam <= c->a[1].number);
}

const struct eval_entry eval_bayes[] = {
    {"check_bayes", check_bayes, 2, 2},
    {0},
};
