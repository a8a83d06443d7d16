/*
 * generation: one set of loaded signatures: the engines, what they say of themselves, and what
 * their workers answered (counted in memory that these share).
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_GENERATION_H
#define POTERNE_GATEWAY_ANTIVIRUS_GENERATION_H

#include "base/role.h"
#include "gateway/antivirus/status.h"

struct generation {
    struct engines engines;
    struct av_status status; /* but for what `counts` has */
    struct av_engine_counts *counts;
};

/*
 * Loads and tries them, in the memory that poterned left (RLIMIT_DATA). What is refused, or does
 * not fit, is told to poterned (ROLE_REFUSED).
 */
int generation_load(struct generation *generation, const struct role_env *env, const char *tmp_dir,
                    struct err *err);
void generation_unload(struct generation *generation);

/* Counts the answers to one message; any worker. */
void generation_count(struct generation *generation, const struct av_answer *answers);
/* The status with the counts of now. */
void generation_status(const struct generation *generation, struct av_status *status);

#endif
