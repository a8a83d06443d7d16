/* quarantine: what is held, and why; release it to its recipients or delete it. */
#include "quarantine/quarantine.h"

#include <string.h>

#include "tools/quarantine_tool.h"

#define ID_PREFIX_MIN 4

static void show(struct spool_view *view, const char *id)
{
    struct buf text = BUF_INIT(QUARANTINE_SHOW_MAX);
    struct spool_file *file;
    struct err err = {""};
    if (!spool_view_load(view, id, &file))
        return;
    if (view->args->given & OPT_MESSAGE)
        spool_view_put_message(view, file);
    else if (quarantine_show(file, &text, &err) < 0)
        spool_view_worse(view, tool_fail(view->command, &err));
    else
        spool_view_put_whole(view, file, buf_str(&text));
    buf_release(&text);
    spool_unload(&file);
}

/* --- which message --- */

struct search {
    char prefix[SPOOL_ID_LEN + 1];
    char id[SPOOL_ID_LEN + 1];
    size_t n;
};

static int match_one(void *data, const char *id)
{
    struct search *search = data;
    if (strncmp(id, search->prefix, strlen(search->prefix)) == 0 && search->n++ == 0)
        memcpy(search->id, id, sizeof search->id);
    return 0;
}

bool quarantine_find_id(struct spool_view *view, const char *word, char id[SPOOL_ID_LEN + 1])
{
    struct search search = {.n = 0};
    struct err err = {""};
    bool fits = *word && str_copy(str_of(word), search.prefix, sizeof search.prefix);
    for (char *c = search.prefix; *c; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        fits &= strchr("0123456789ABCDEFGHJKMNPQRSTVWXYZ", *c) != NULL;
    }
    memcpy(id, search.prefix, sizeof search.prefix);
    if (fits && spool_id_valid(str_of(search.prefix)))
        return true;
    if (!fits || strlen(search.prefix) < ID_PREFIX_MIN) {
        spool_view_worse(view, tool_misused(view->command,
                                            "\"%s\" is no message id, nor %d or more letters of "
                                            "its beginning",
                                            word, ID_PREFIX_MIN));
        return false;
    }
    if (spool_each(view->spool, view->state, match_one, &search, &err) < 0) {
        spool_view_worse(view, tool_fail(view->command, &err));
        return false;
    }
    if (search.n != 1) {
        err_set(&err, "%zu messages in quarantine have an id that begins with %s%s", search.n,
                search.prefix, search.n ? ": write more of it" : "");
        tool_fail(view->command, &err);
        spool_view_worse(view, search.n ? TOOL_FAILED : TOOL_NO);
        return false;
    }
    memcpy(id, search.id, sizeof search.id);
    return true;
}

/* --- the command --- */

static const struct {
    const char *name;
    void (*all)(struct spool_view *view);                 /* without ids … */
    void (*one)(struct spool_view *view, const char *id); /* … or of each */
    uint64_t options;
} commands[] = {
    {"list", quarantine_list, NULL, OPT_JSON | OPT_LIMIT | FILTER_OPTIONS},
    {"count", quarantine_count, NULL, OPT_JSON},
    {"show", NULL, show, OPT_JSON | OPT_MESSAGE},
    {"release", NULL, quarantine_release_one, OPT_RECIPIENT | OPT_TO | OPT_NO_SCAN | OPT_FORCE},
    {"delete", NULL, quarantine_delete_one, OPT_RECIPIENT},
    {"rescan", quarantine_rescan, NULL, OPT_JSON},
    {"export", quarantine_export, NULL, OPT_FORCE},
    {"expire", quarantine_expire_all, NULL, OPT_DRY_RUN | OPT_JSON | OPT_LIMIT},
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void act(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    const char *what = args->n_rest ? args->rest[0] : "list";
    char id[SPOOL_ID_LEN + 1];
    size_t c = 0;
    while (c < N_COMMANDS && strcmp(commands[c].name, what) != 0)
        c++;
    if (c == N_COMMANDS)
        spool_view_worse(view, tool_misused(view->command, "there is no `quarantine %s`", what));
    else if (args->given & ~(commands[c].options | OPT_CONFIG))
        spool_view_worse(view, tool_misused(view->command,
                                            "an option is given that `quarantine %s` does not take",
                                            what));
    else if (commands[c].all)
        commands[c].all(view);
    else if (args->n_rest < 2)
        spool_view_worse(view, tool_misused(view->command, "name a message; `poterne quarantine` "
                                                           "lists them"));
    else
        for (size_t i = 1; i < args->n_rest; i++)
            if (quarantine_find_id(view, args->rest[i], id))
                commands[c].one(view, id);
}

static int run(const struct tool_args *args)
{
    struct spool_view view;
    if (spool_view_open(&view, "quarantine", SPOOL_QUARANTINE, args) == 0)
        act(&view);
    spool_view_close(&view);
    return view.status;
}

const struct tool_command tool_quarantine = {
    .name = "quarantine",
    .summary = "list, show, release or delete what is held",
    .arguments = "[list] | count | show ID… | release ID… | delete ID… |\n"
                 "       export ID FILE.zip | expire | rescan",
    .help =
        "list shows the newest first; all that is asked for must hold. --reason is a class\n"
        "(virus, banned, unscannable, policy, undeliverable) or part of the reason. Times are\n"
        "those of receipt. An id may be cut where only one message begins so.\n"
        "count tells how many are held, by class.\n"
        "show prints what is known of a message, its structure and why it is held; with\n"
        "--message the message itself as it was received, which may be dangerous.\n"
        "release has it scanned again (unless --no-scan) and gives it to those it is held for,\n"
        "with --recipient to one of them, with --to a copy to another address; what is still\n"
        "infected goes with --force only. delete removes it for good. export writes it into a zip\n"
        "file under the password of the settings. expire removes now what\n"
        "was held long enough, as the gateway does once a day; --dry-run only lists it.\n"
        "The running gateway does all of that, and its journal keeps who said so.\n"
        "Exit status: 0 done, 1 not there, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_MESSAGE | OPT_LIMIT | OPT_TO | OPT_NO_SCAN | OPT_FORCE |
               OPT_DRY_RUN | FILTER_OPTIONS,
    .run = run,
};
