/*
 * bayes: SpamAssassin's Bayes.pm. poterne adds what pass 2 says to the score by itself; these rules
 * look at it only when who calls the rules ran pass 2 first and says so (as with `use_bayes 0`
 * otherwise).
 */
#ifndef POTERNE_RULES_EVAL_BAYES_H
#define POTERNE_RULES_EVAL_BAYES_H

#include "rules/eval/eval.h"

/* (MIN, MAX): the probability of spam; MIN itself left out unless 0, MAX may be "undef" */
eval_function eval_check_bayes;

#endif
