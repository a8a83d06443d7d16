/* config: are the settings right, and what do they come to? */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf_syntax.h"
#include "tools/json.h"
#include "tools/tool.h"

#define SHOW_MAX ((size_t)4 * 1024 * 1024)
#define NOTE_MAX 600

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

/* What is no mistake, but perhaps not what was meant. */
static void note(const struct conf *conf, json_t *notes)
{
    for (size_t i = 0; i < conf->managers.n; i++) {
        struct str address = str_of(conf->managers.items[i]);
        char text[NOTE_MAX];
        if (conf_domain_of(conf, address))
            continue;
        snprintf(text, sizeof text,
                 "manager %.*s is in no domain that has a section here: no mail reaches it, so it "
                 "gets no digest and no answer, and it teaches only from reports.trusted",
                 STR_ARG(address));
        json_array_append_new(notes, json_text(str_of(text)));
    }
}

static void put_notes(const json_t *notes)
{
    for (size_t i = 0; i < json_array_size(notes); i++) {
        fputs("note: ", stdout);
        tool_put_text(stdout, str_of(json_string_value(json_array_get(notes, i))));
        putchar('\n');
    }
}

static int check(const struct tool_args *args)
{
    bool json = args->given & OPT_JSON;
    json_t *mistakes = json_array(), *notes = json_array();
    struct err err;
    struct conf *conf = tool_conf_checked(args, json ? gather : tell, mistakes, &err);
    int status = conf ? TOOL_YES : TOOL_FAILED;
    if (conf)
        note(conf, notes);
    if (json)
        json_line(json_pack("{s:o?, s:b, s:o, s:o}", "path", conf ? json_string(conf->path) : NULL,
                            "ok", conf != NULL, "mistakes", json_incref(mistakes), "notes",
                            json_incref(notes)));
    else if (conf && !(args->given & OPT_QUIET))
        printf("%s: no mistakes\n", conf->path);
    if (!json && !(args->given & OPT_QUIET))
        put_notes(notes);
    json_decref(mistakes);
    json_decref(notes);
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
        "is one; a mistake in the syntax hides those behind it. What is right, but perhaps not\n"
        "meant, is noted.\n"
        "show prints every setting in the file's own syntax, defaults included.\n"
        "--json prints for check one object {path, ok, mistakes [\"FILE:LINE: text\"], notes\n"
        "[text]}, for show one a setting {section, title, name, value, file, line}; file null:\n"
        "the default.\n",
    .options = OPT_CONFIG | OPT_QUIET | OPT_JSON,
    .run = run,
};
