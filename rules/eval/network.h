/*
 * network: the doors of rules that ask over the network (network.c). All look at
 * rules_input.network only.
 */
#ifndef POTERNE_RULES_EVAL_NETWORK_H
#define POTERNE_RULES_EVAL_NETWORK_H

#include "rules/eval/eval.h"

/* ('set', 'subtest'): a block list's answer that is the subtest, has one of its bits, or matches */
eval_function eval_dns_answered_as;

#endif
