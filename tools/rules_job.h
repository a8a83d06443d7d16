/*
 * rules_job: what `poterne rules …` and `masscheck` share: which rules, and one message through
 * them. The rules are those that --rules names, else those of the settings.
 */
#ifndef POTERNE_TOOLS_RULES_JOB_H
#define POTERNE_TOOLS_RULES_JOB_H

#include "base/buf.h"
#include "rules/rules.h"
#include "tools/tool.h"

struct rules_job {
    const char *command; /* for complaints */
    struct conf *conf;   /* NULL: --rules was given without --config */
    const char *const *paths;
    size_t n_paths;
    struct ruleset_options options;
    double required;
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct pool *pool; /* of one message */
    struct buf raw;
    unsigned mistakes; /* in rule files */
    bool quiet;        /* their number is told elsewhere */
};

/* Which rules and scores; reads no rule. -1 with err; rules_job_close() either way. */
int rules_job_begin(struct rules_job *job, const char *command, const struct tool_args *args,
                    struct err *err);
/* Loads them, ready to run. Of mistakes in rule files only the number is told. */
int rules_job_load(struct rules_job *job, struct err *err);
void rules_job_close(struct rules_job *job);

/* The message in a file; the result lives until the next one. -1 with err, which names it. */
int rules_job_run(struct rules_job *job, const char *path, bool sub_rules,
                  struct rules_result *result, struct err *err);
/* As above, a message in memory. */
int rules_job_look(struct rules_job *job, struct str raw, bool sub_rules,
                   struct rules_result *result, struct err *err);

#endif
