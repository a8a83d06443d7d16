/*
 * rules_tool: the subcommands of `poterne rules`, a file each, and what those that show rules
 * share.
 */
#ifndef POTERNE_TOOLS_RULES_TOOL_H
#define POTERNE_TOOLS_RULES_TOOL_H

#include "rules/load.h"
#include "tools/rules_job.h"

struct rules_tool {
    struct rules_job job;
    struct book *book; /* of rules_tool_read() */
    bool *live;        /* of rules_tool_find_live() */
    bool json;
    const char *const *rest; /* what stands behind the subcommand's name */
    size_t n_rest;
    int status; /* enum tool_exit */
};

/* Each returns -1 with err when it could not be done at all. */
int rules_check(struct rules_tool *tool, struct err *err);
int rules_list(struct rules_tool *tool, struct err *err);
int rules_show(struct rules_tool *tool, struct err *err);
int rules_test(struct rules_tool *tool, struct err *err);
int rules_hits(struct rules_tool *tool, struct err *err);

/* Reads the rules into tool->book; mistakes in files are left to `rules check`. */
int rules_tool_read(struct rules_tool *tool, struct err *err);
/* tool->live[number in the book]: is the rule run, with the score set that is chosen? */
int rules_tool_find_live(struct rules_tool *tool, struct err *err);
void rules_tool_worse(struct rules_tool *tool, int status);

/* "body", "meta" … */
const char *rules_kind_name(const struct definition *definition);
/* A meta's names, each once, in the order in which they stand there. */
struct rules_names {
    struct str *list; /* in the book's pool */
    size_t n, cap;
};
/* -1 with err: the expression can't be read */
int rules_needs(const struct book *book, const struct definition *meta, struct rules_names *names,
                struct err *err);

#endif
