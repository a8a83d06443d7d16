/* queue: what is owed to its recipients, why it is not delivered yet, and what is to become of it.
 */
#include <string.h>

#include "tools/queue_tool.h"

static void show_one(struct spool_view *view, const char *id)
{
    struct spool_file *file;
    pool_reset(view->pool);
    if (!spool_view_load(view, id, &file))
        return;
    if (view->args->given & OPT_MESSAGE)
        spool_view_put_message(view, file);
    else
        spool_view_put_whole(view, file, STR_EMPTY);
    spool_unload(&file);
}

static void show(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    if (args->n_rest < 2)
        spool_view_worse(view,
                         tool_misused(view->command, "name a message; `poterne queue` lists them"));
    for (size_t i = 1; i < args->n_rest; i++)
        show_one(view, args->rest[i]);
}

/* --- the command --- */

#define BULK (QUEUE_FILTERS | OPT_EVERY_ONE | OPT_LIMIT | OPT_DRY_RUN | OPT_JSON)

static const struct {
    const char *name;
    void (*run)(struct spool_view *view); /* NULL: a verb (queue_do()) */
    uint64_t options;
} commands[] = {
    {"list", queue_list, QUEUE_FILTERS | OPT_LIMIT | OPT_JSON},
    {"show", show, OPT_JSON | OPT_MESSAGE},
    {"stats", queue_stats, QUEUE_FILTERS | OPT_LIMIT | OPT_JSON | OPT_COUNT_BY},
    {"flush", NULL, BULK},
    {"hold", NULL, BULK},
    {"release", NULL, BULK},
    {"delete", NULL, BULK | OPT_YES | OPT_NOTIFY},
    {"requeue", NULL, BULK},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void act(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    const char *what = args->n_rest ? args->rest[0] : "list";
    size_t c = 0;
    while (c < N_COMMANDS && strcmp(commands[c].name, what) != 0)
        c++;
    if (c == N_COMMANDS)
        spool_view_worse(view, tool_misused(view->command, "there is no `queue %s`", what));
    else if (args->given & ~(commands[c].options | OPT_CONFIG))
        spool_view_worse(view,
                         tool_misused(view->command,
                                      "an option is given that `queue %s` does not take", what));
    else if (commands[c].run)
        commands[c].run(view);
    else
        queue_do(view, queue_verb_find(what));
}

static int run(const struct tool_args *args)
{
    struct spool_view view;
    if (spool_view_open(&view, "queue", SPOOL_QUEUE, args) == 0)
        act(&view);
    spool_view_close(&view);
    return view.status;
}

const struct tool_command tool_queue = {
    .name = "queue",
    .summary = "show what waits for delivery, try it now, hold it, or delete it",
    .arguments = "[list] | stats | show ID… |\n"
                 "       flush | hold | release | delete | requeue [ID… | - | --all | FILTER…]",
    .help =
        "list has each message with its recipients and what the last try said, oldest first; all\n"
        "that is asked for must hold. stats counts them by age, in minutes. show prints all that\n"
        "is known of one, or with --message the message itself as it was received.\n"
        "flush tries delivery now instead of at the next retry (without a word: of everything).\n"
        "hold has a message wait until release; meanwhile it does not expire. requeue treats it "
        "as\n"
        "if it had just come: its turn, tries and lifetime begin anew. delete delivers it to\n"
        "nobody any more; with --notify its sender is told. - reads ids from standard input.\n"
        "The running gateway does all of that, and its journal keeps who said so; list, show and\n"
        "stats read the files. --dry-run only lists what is meant. States: active (not yet "
        "tried),\n"
        "deferred, held, frozen (the account that sent it is), ending (nobody is owed any more).\n"
        "Exit status: 0 done, 1 not there or not confirmed, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_MESSAGE | OPT_LIMIT | OPT_DRY_RUN | OPT_EVERY_ONE |
               OPT_YES | OPT_NOTIFY | OPT_COUNT_BY | QUEUE_FILTERS,
    .run = run,
};
