/* model_tool: what the subcommands of `poterne model` share. */
#ifndef POTERNE_TOOLS_MODEL_TOOL_H
#define POTERNE_TOOLS_MODEL_TOOL_H

#include <limits.h>

#include "bayes/learn/learn_orders.h"
#include "bayes/publish/publish.h"
#include "tools/tool.h"

struct model_tool {
    const struct tool_args *args;
    const char **rest; /* behind the subcommand's name */
    size_t n_rest;
    bool json;
    struct conf *conf;
    char folder[PATH_MAX]; /* of the models */
};

/* Each returns an exit status, or -1 with err. */
int model_list(struct model_tool *tool, struct err *err);
int model_show(struct model_tool *tool, struct err *err);
int model_diff_command(struct model_tool *tool, struct err *err);
int model_rollback(struct model_tool *tool, struct err *err);
int model_publish(struct model_tool *tool, struct err *err);
int model_export(struct model_tool *tool, struct err *err);
int model_import(struct model_tool *tool, struct err *err);

/* The number in an argument; 0 is none. */
int model_number(const char *word, uint64_t *number, struct err *err);
/* The learner, or the ledger where no learner runs. NULL with err. */
struct learn_client *model_client(const struct model_tool *tool, struct err *err);

#endif
