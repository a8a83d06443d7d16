/* model: the models of pass 2: which there are, which one serves, and to change that. */
#include "tools/model_tool.h"

#include <inttypes.h>
#include <string.h>

#include "base/fsio.h"
#include "tools/json.h"

static const struct {
    const char *name;
    int (*run)(struct model_tool *tool, struct err *err);
    size_t least, most; /* words behind it */
    const char *missing;
} commands[] = {
    {"list", model_list, 0, 0, "`poterne model list` takes no name"},
    {"show", model_show, 0, 1, "name one model, or none for the one in service"},
    {"diff", model_diff_command, 2, 2, "name two models; `poterne model list` knows all"},
    {"rollback", model_rollback, 0, 1, "name one model, or none for the last good one"},
    {"publish", model_publish, 0, 0, "`poterne model publish` takes no name"},
    {"export", model_export, 1, 1, "name the file to write, or - for standard output"},
    {"import", model_import, 1, SIZE_MAX, "name the file to read, or - for standard input"},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

int model_number(const char *word, uint64_t *number, struct err *err)
{
    if (str_to_u64(str_of(word), INT64_MAX, number) && *number > 0)
        return 0;
    return err_set(err, "\"%s\" is no model's number; `poterne model list` knows all", word);
}

/* Nothing is taught, so nothing is reported. */
static void no_report(void *data, uint64_t number, enum learn_answer answer, const char *text)
{
}

struct learn_client *model_client(const struct model_tool *tool, struct err *err)
{
    return learn_client_open(tool->conf, no_report, NULL, err);
}

/* --- changing which one serves --- */

static int put_summary(const struct model_tool *tool, const struct learn_summary *summary)
{
    bool refused = summary->refused[0] != '\0';
    if (tool->json)
        json_line(json_pack("{s:I, s:b, s:s*}", "in_service", (json_int_t)summary->generation,
                            "refused", refused, "why", refused ? summary->refused : NULL));
    else if (refused)
        printf("refused, model %" PRIu64 " stays in service: %s\n", summary->generation,
               summary->refused);
    else
        printf("model %" PRIu64 " is in service\n", summary->generation);
    return refused ? TOOL_NO : TOOL_YES;
}

int model_publish(struct model_tool *tool, struct err *err)
{
    enum learn_publish how =
        tool->args->given & OPT_FORCE ? LEARN_PUBLISH_FORCED : LEARN_PUBLISH_NOW;
    struct learn_summary summary;
    struct learn_client *client = model_client(tool, err);
    int result = client ? order_publish(client, how, &summary, err) : -1;
    learn_client_close(&client);
    return result < 0 ? -1 : put_summary(tool, &summary);
}

int model_rollback(struct model_tool *tool, struct err *err)
{
    struct learn_summary summary;
    uint64_t to = 0;
    if (tool->n_rest && model_number(tool->rest[0], &to, err) < 0)
        return -1;
    struct learn_client *client = model_client(tool, err);
    int result = client ? order_rollback(client, to, &summary, err) : -1;
    learn_client_close(&client);
    if (result < 0)
        return -1;
    put_summary(tool, &summary);
    if (!tool->json)
        printf("the next one is published after %d more messages, or when some are taken back, or "
               "by `poterne model publish`\n",
               TRIAL_HELD);
    return TOOL_YES;
}

/* --- the command --- */

static int begin(struct model_tool *tool, struct err *err)
{
    tool->conf = tool_conf(tool->args, err);
    if (tool->conf == NULL)
        return -1;
    if (fsio_join(tool->folder, sizeof tool->folder, tool->conf->state_dir, "bayes", err) < 0)
        return -1;
    return 0;
}

static int run(const struct tool_args *args)
{
    const char *what = args->n_rest ? args->rest[0] : "";
    struct model_tool tool = {.args = args, .json = args->given & OPT_JSON};
    struct err err = {""};
    size_t i = 0;
    while (i < N_COMMANDS && strcmp(what, commands[i].name) != 0)
        i++;
    if (i == N_COMMANDS)
        return tool_misused(
            "model",
            "there is no `model %s`; say list, show, diff, rollback, publish, export or import",
            what);
    tool.rest = args->rest + 1;
    tool.n_rest = args->n_rest - 1;
    if (tool.n_rest < commands[i].least || tool.n_rest > commands[i].most)
        return tool_misused("model", "%s", commands[i].missing);
    int result = begin(&tool, &err);
    if (result == 0)
        result = commands[i].run(&tool, &err);
    conf_free(&tool.conf);
    return result < 0 ? tool_fail("model", &err) : result;
}

const struct tool_command tool_model = {
    .name = "model",
    .summary = "list, compare, roll back, export and import what was learned",
    .arguments = "list | show [N] | diff N M [--index FILE] | rollback [N] | publish [--force] "
                 "| export FILE|- | import FILE|- [MAIL…]",
    .help =
        "A new model goes live only if it judges the mail that is held out (one message in\n"
        "ten, never trained on) no worse than the one in service; else it is refused.\n"
        "list has a line for each model: when it was built and of how much, whether it serves,\n"
        "and how it does on the held-out mail; show tells all of one (the one in service).\n"
        "diff says what changed from model N to M: tokens, weights, verdicts on the held-out\n"
        "mail or, with --index, on the messages that a list (`ham PATH`, `spam PATH`) names.\n"
        "rollback puts the last good model, or model N, back into service; what was learned\n"
        "stays. publish builds a model of what was learned by now; with --force it goes live\n"
        "even if it is refused.\n"
        "export writes what was learned as text; import adds such a file, or a dump of\n"
        "SpamAssassin (sa-learn --backup) or bogofilter (bogoutil -d), to what was learned.\n"
        "SpamAssassin's has no words, only parts of their digests: they are found again in the\n"
        "mail of the files and folders that are named behind it.\n"
        "The running gateway's learner does it, or, when none runs, this command itself.\n"
        "--json prints one object a line.\n"
        "Exit status: 0 done; 1 publish: refused, diff: there are differences; 2 it could not\n"
        "be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_INDEX | OPT_FORCE,
    .run = run,
};
