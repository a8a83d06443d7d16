/*
 * run: asks what rules of the network want to know of one message, in as few rounds as there can
 * be, and tells the scratch what hits.
 */
#ifndef POTERNE_RULES_NETWORK_RUN_H
#define POTERNE_RULES_NETWORK_RUN_H

#include "rules/facts/facts.h"
#include "rules/scratch.h"

/* Where nobody answers (rules_network.dns is NULL) nothing happens. -1: the pool is used up. */
int network_run(struct rules_scratch *scratch, struct facts *facts, struct rules_result *result);
/* The questions of the first round, most telling first, at most DNS_QUESTIONS_MAX. */
int network_questions(const struct ruleset *set, struct facts *facts, struct dns_query **list,
                      size_t *n);

#endif
