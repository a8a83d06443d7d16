/* config: are the settings right, and what do they come to? */
#include <string.h>

#include "base/buf.h"
#include "tools/tool.h"

#define SHOW_MAX ((size_t)4 * 1024 * 1024)

static int show(const struct conf *conf)
{
    struct buf text = BUF_INIT(SHOW_MAX);
    struct err err;
    conf_show(conf, &text);
    if (!buf_ok(&text)) {
        buf_release(&text);
        err_set(&err, "the settings are too long to show");
        return tool_fail("config", &err);
    }
    fwrite(text.p, 1, text.n, stdout);
    buf_release(&text);
    return TOOL_YES;
}

static int run(const struct tool_args *args)
{
    struct tool_args named = *args;
    struct err err;
    bool wants_show = args->n_rest > 0 && strcmp(args->rest[0], "show") == 0;
    bool wants_check = args->n_rest > 0 && strcmp(args->rest[0], "check") == 0;
    if (!wants_show && !wants_check)
        return tool_misused("config", "say `check` or `show`");
    if (args->n_rest > 2)
        return tool_misused("config", "one file at a time");
    if (args->n_rest == 2)
        named.config = args->rest[1];
    struct conf *conf = tool_conf(&named, &err);
    if (conf == NULL)
        return tool_fail("config", &err);
    int status = TOOL_YES;
    if (wants_show)
        status = show(conf);
    else if (!(args->given & OPT_QUIET))
        printf("%s: no mistakes\n", conf->path);
    conf_free(&conf);
    return status;
}

const struct tool_command tool_config = {
    .name = "config",
    .summary = "check the settings, or show all of them with where each came from",
    .arguments = "check|show [FILE]",
    .help = "check says file, line and what was expected of the first mistake, and ends with 2.\n"
            "show prints every setting in the file's own syntax, defaults included.\n",
    .options = OPT_CONFIG | OPT_QUIET,
    .run = run,
};
