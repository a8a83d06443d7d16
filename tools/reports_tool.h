/* reports_tool: what the subcommands of `poterne reports` share. */
#ifndef POTERNE_TOOLS_REPORTS_TOOL_H
#define POTERNE_TOOLS_REPORTS_TOOL_H

#include <jansson.h>
#include <limits.h>

#include "reports/store.h"
#include "tools/tool.h"

#define REPORTS_POOL_MAX ((size_t)1024 * 1024 * 1024)

struct reports_tool {
    const struct tool_args *args;
    const char **rest; /* behind the subcommand's name */
    size_t n_rest;
    bool json;
    struct conf *conf;
    char folder[PATH_MAX];   /* STATE_DIR/reports */
    struct proposals *store; /* only to look; NULL where nothing was ever reported */
    struct pool *pool;
};

/* Each returns an exit status, or -1 with err. */
int reports_list(struct reports_tool *tool, struct err *err);
int reports_show(struct reports_tool *tool, struct err *err);
int reports_accept(struct reports_tool *tool, struct err *err);
int reports_reject(struct reports_tool *tool, struct err *err);
int reports_reporters(struct reports_tool *tool, struct err *err);
int reports_dmarc(struct reports_tool *tool, struct err *err);
int reports_tls(struct reports_tool *tool, struct err *err);
int reports_received(struct reports_tool *tool, struct err *err);

/* Since 1970, of the word behind --since: an age such as 7d, or a day. */
int reports_since(const char *word, int64_t now_us, int64_t *since_us, struct err *err);
int64_t reports_now_us(void);
/* Text in so many columns, cut or filled up. */
void reports_put_cell(struct str text, size_t columns);
/* What a line of a list and `show` have in common. */
json_t *reports_json(const struct proposal *proposal);

#endif
