/* quarantine: what is held, and why; release it to its recipients or delete it. */
#include "quarantine/quarantine.h"

#include <string.h>

#include "base/ipc.h"
#include "tools/spool_view.h"

static int list_one(void *data, const struct spool_file *file)
{
    spool_view_put(data, file);
    return 0;
}

static void list_damaged(void *data, const char *id, const char *why)
{
    struct spool_view *view = data;
    struct err err;
    err_set(&err, "%s can't be read: %s", id, why);
    spool_view_worse(view, tool_fail(view->command, &err));
}

static void list(struct spool_view *view)
{
    const struct quarantine_visitor visitor = {list_one, list_damaged, view};
    struct err err = {""};
    if (quarantine_each(view->spool, &visitor, &err) < 0)
        spool_view_worse(view, tool_fail(view->command, &err));
    spool_view_put_count(view);
}

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

/* The recipient that --recipient names, by its place in the envelope. */
static bool find_recipient(struct spool_view *view, const char *id, uint32_t *index)
{
    const char *address = view->args->recipient;
    struct spool_file *file;
    *index = NOTICE_EVERYONE;
    if (address == NULL)
        return true;
    if (!spool_view_load(view, id, &file))
        return false;
    for (size_t i = 0; i < file->envelope.n_recipients; i++)
        if (str_ieq(file->envelope.recipients[i].address, str_of(address)))
            *index = (uint32_t)i;
    spool_unload(&file);
    if (*index == NOTICE_EVERYONE)
        spool_view_worse(view,
                         tool_misused(view->command, "%s is no recipient of %s", address, id));
    return *index != NOTICE_EVERYONE;
}

static void decide(struct spool_view *view, const char *id, bool release)
{
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    uint32_t recipient;
    if (!spool_id_valid(str_of(id))) {
        spool_view_worse(view, tool_misused(view->command, "\"%s\" is no message id", id));
        return;
    }
    if (!find_recipient(view, id, &recipient))
        return;
    int result = release ? quarantine_release(view->conf->run_dir, id, recipient, &answer, &err)
                         : quarantine_delete(view->conf->run_dir, id, recipient, &answer, &err);
    spool_view_put_answer(view, id, result, &answer, &err);
    buf_release(&answer);
}

static void act(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    const char *what = args->n_rest ? args->rest[0] : "list";
    bool on_one = strcmp(what, "show") == 0;
    bool on_many = strcmp(what, "release") == 0 || strcmp(what, "delete") == 0;
    if (strcmp(what, "list") == 0)
        list(view);
    else if (!on_one && !on_many)
        spool_view_worse(view, tool_misused(view->command, "there is no `quarantine %s`", what));
    else if (args->n_rest < 2)
        spool_view_worse(view, tool_misused(view->command, "name a message; `poterne quarantine` "
                                                           "lists them"));
    for (size_t i = 1; on_one && i < args->n_rest; i++)
        show(view, args->rest[i]);
    for (size_t i = 1; on_many && i < args->n_rest; i++)
        decide(view, args->rest[i], strcmp(what, "release") == 0);
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
    .arguments = "[list] | show ID… | release ID… | delete ID…",
    .help = "show prints what is known of a message, its structure and why it is held; with\n"
            "--message the message itself as it was received, which may be dangerous.\n"
            "release gives it to its recipients, delete removes it for good; with --recipient for\n"
            "one of them only. The running gateway does it, and its journal keeps that it was.\n"
            "Exit status: 0 done, 1 not there, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_MESSAGE | OPT_RECIPIENT,
    .run = run,
};
