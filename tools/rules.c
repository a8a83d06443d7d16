/* rules: look into the rules of pass 1. */
#include "tools/rules_fit.h"
#include "tools/rules_tool.h"

static const struct {
    const char *name;
    int (*run)(struct rules_tool *tool, struct err *err);
    size_t least; /* names or files that it must be given */
    const char *missing;
} commands[] = {
    {"check", rules_check, 0, ""},
    {"list", rules_list, 0, ""},
    {"show", rules_show, 1, "name a rule; `poterne rules list` knows all"},
    {"hits", rules_hits, 1, "name the files to look at, or - for standard input"},
    {"test", rules_test, 0, ""},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

void rules_tool_worse(struct rules_tool *tool, int status)
{
    if (status > tool->status)
        tool->status = status;
}

static void ignore(void *data, const char *file, unsigned line, const char *what)
{
}

int rules_tool_read(struct rules_tool *tool, struct err *err)
{
    const struct rules_job *job = &tool->job;
    uint64_t digest;
    tool->book = load_book(&job->options, job->paths, job->n_paths, ignore, NULL, &digest, err);
    return tool->book ? 0 : -1;
}

static int run(const struct tool_args *args)
{
    const char *what = args->n_rest ? args->rest[0] : "";
    struct rules_tool tool = {.json = args->given & OPT_JSON};
    struct err err = {""};
    size_t i = 0;
    if (strcmp(what, "fit") == 0) {
        struct tool_args behind = *args;
        behind.rest++;
        behind.n_rest--;
        return rules_fit(&behind); /* takes its rules from the words behind it */
    }
    while (i < N_COMMANDS && strcmp(what, commands[i].name) != 0)
        i++;
    if (i == N_COMMANDS)
        return tool_misused("rules",
                            "there is no `rules %s`; say check, list, show, hits, test or fit",
                            what);
    tool.rest = args->rest + 1;
    tool.n_rest = args->n_rest - 1;
    if (tool.n_rest < commands[i].least)
        return tool_misused("rules", "%s", commands[i].missing);
    int result = rules_job_begin(&tool.job, "rules", args, &err);
    if (result == 0)
        result = commands[i].run(&tool, &err);
    book_free(&tool.book);
    rules_job_close(&tool.job);
    return result < 0 ? tool_fail("rules", &err) : tool.status;
}

const struct tool_command tool_rules = {
    .name = "rules",
    .summary = "check, list, show and try the rules",
    .arguments = "check [PATH…] | list [PATTERN] | show NAME… | hits FILE… | test [PATH…] "
                 "| " RULES_FIT_ARGUMENTS,
    .help =
        "check finds mistakes, each with file and line, and rules that can never score.\n"
        "list has a line for each rule whose name fits the pattern (* and ?): its score, kind and\n"
        "place; show tells all of some rules: the test, what it needs and what needs it, how "
        "often\n"
        "it hit in the last days. hits runs messages through the rules and shows what matched;\n"
        "test runs the rule files' own `test NAME ok|fail TEXT` lines.\n"
        "The rules are those of the settings, or of --rules (also -r), which may be given again;\n"
        "check and test take files and folders too. With --all, hits and list know the rules that\n"
        "no score needs.\n"
        "--json prints one object a line.\n" RULES_FIT_HELP
        "Exit status: 0 done, nothing found wrong; 1 a mistake, a test that failed, a rule that "
        "is\n"
        "not there; 2 it could not be done.\n",
    .options = OPT_CONFIG | OPT_RULES | OPT_SCORE_SET | OPT_ALL | OPT_JSON,
    .run = run,
};
