/* config: are the settings right, and what do they come to? */
#include <string.h>

#include "base/buf.h"
#include "base/conf_syntax.h"
#include "tools/json.h"
#include "tools/tool.h"

#define SHOW_MAX ((size_t)4 * 1024 * 1024)

/* --- check --- */

static void tell(void *data, const char *text)
{
    struct err err;
    (void)data;
    err_set(&err, "%s", text);
    tool_fail("config", &err);
}

static void gather(void *data, const char *text)
{
    json_array_append_new(data, json_text(str_of(text)));
}

static int check(const struct tool_args *args)
{
    bool json = args->given & OPT_JSON;
    json_t *mistakes = json_array();
    struct err err;
    struct conf *conf = tool_conf_checked(args, json ? gather : tell, mistakes, &err);
    int status = conf ? TOOL_YES : TOOL_FAILED;
    if (json)
        json_line(json_pack("{s:o?, s:b, s:o}", "path", conf ? json_string(conf->path) : NULL, "ok",
                            conf != NULL, "mistakes", json_incref(mistakes)));
    else if (conf && !(args->given & OPT_QUIET))
        printf("%s: no mistakes\n", conf->path);
    json_decref(mistakes);
    conf_free(&conf);
    return status;
}

/* --- show --- */

static json_t *value_json(const struct conf_value *value)
{
    if (!value->list)
        return value->n ? json_text(value->items[0]) : json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < value->n; i++)
        json_array_append_new(list, json_text(value->items[i]));
    return list;
}

static void show_line(void *data, const struct conf_shown *shown)
{
    (void)data;
    json_line(json_pack("{s:s, s:s?, s:s, s:o, s:s?, s:i}", "section", shown->section, "title",
                        shown->title, "name", shown->name, "value", value_json(shown->value),
                        "file", shown->file, "line", (int)shown->line));
}

static int show_text(const struct conf *conf)
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

static int show(const struct tool_args *args)
{
    struct err err;
    int status = TOOL_YES;
    struct conf *conf = tool_conf(args, &err);
    if (conf == NULL)
        return tool_fail("config", &err);
    if (args->given & OPT_JSON)
        conf_each(conf, show_line, NULL);
    else
        status = show_text(conf);
    conf_free(&conf);
    return status;
}

static int run(const struct tool_args *args)
{
    struct tool_args named = *args;
    bool wants_show = args->n_rest > 0 && strcmp(args->rest[0], "show") == 0;
    bool wants_check = args->n_rest > 0 && strcmp(args->rest[0], "check") == 0;
    if (!wants_show && !wants_check)
        return tool_misused("config", "say `check` or `show`");
    if (args->n_rest > 2)
        return tool_misused("config", "one file at a time");
    if (args->n_rest == 2)
        named.config = args->rest[1];
    return wants_show ? show(&named) : check(&named);
}

const struct tool_command tool_config = {
    .name = "config",
    .summary = "check the settings, or show all of them with where each came from",
    .arguments = "check|show [FILE]",
    .help =
        "check says file, line and what was expected of every mistake, and ends with 2 when there\n"
        "is one; a mistake in the syntax hides those behind it.\n"
        "show prints every setting in the file's own syntax, defaults included.\n"
        "--json prints for check one object {path, ok, mistakes [\"FILE:LINE: text\"]}, for show\n"
        "one a setting {section, title, name, value, file, line}; file null: the default.\n",
    .options = OPT_CONFIG | OPT_QUIET | OPT_JSON,
    .run = run,
};
