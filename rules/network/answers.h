/* answers: what the answers to a job's questions mean (answers.c); for this folder only. */
#ifndef POTERNE_RULES_NETWORK_ANSWERS_H
#define POTERNE_RULES_NETWORK_ANSWERS_H

#include "rules/network/job.h"
#include "rules/scratch.h"

/* Asks on where the look-ups from..to lead to more questions. */
void answers_follow(struct job *job, size_t from, size_t to);
/* Tells the scratch which rules hit, and of which nobody knows. */
void answers_read(struct job *job, struct rules_scratch *scratch);

#endif
