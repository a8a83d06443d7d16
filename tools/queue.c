/* queue: what is owed to its recipients, and why it is not delivered yet. */
#include <errno.h>
#include <string.h>

#include "base/ipc.h"
#include "tools/spool_view.h"

/* A file that has gone since the folder was read was delivered, which is no news. */
static int list_one(void *data, const char *id)
{
    struct spool_view *view = data;
    struct spool_file *file;
    struct err err = {""};
    bool corrupt = false;
    pool_reset(view->pool);
    if (spool_peek(view->spool, view->state, id, view->pool, &file, &corrupt, &err) < 0) {
        if (corrupt || errno != ENOENT)
            spool_view_worse(view, tool_fail(view->command, &err));
        return 0;
    }
    spool_view_put(view, file);
    spool_unload(&file);
    return 0;
}

static void list(struct spool_view *view)
{
    struct err err = {""};
    if (spool_each(view->spool, view->state, list_one, view, &err) < 0)
        spool_view_worse(view, tool_fail(view->command, &err));
    spool_view_put_count(view);
}

static void show(struct spool_view *view, const char *id)
{
    struct spool_file *file;
    if (!spool_view_load(view, id, &file))
        return;
    if (view->args->given & OPT_MESSAGE)
        spool_view_put_message(view, file);
    else
        spool_view_put_whole(view, file, STR_EMPTY);
    spool_unload(&file);
}

/* id "": everything that waits */
static void flush(struct spool_view *view, const char *id)
{
    const struct notice notice = {.kind = NOTICE_FLUSH,
                                  .id = str_of(id),
                                  .recipient = NOTICE_EVERYONE};
    struct buf answer = BUF_INIT(IPC_MSG_MAX);
    struct err err = {""};
    if (*id && !spool_id_valid(notice.id)) {
        spool_view_worse(view, tool_misused(view->command, "\"%s\" is no message id", id));
        return;
    }
    int result = notice_ask(view->conf->run_dir, &notice, &answer, &err);
    spool_view_put_answer(view, id, result, &answer, &err);
    buf_release(&answer);
}

static void act(struct spool_view *view)
{
    const struct tool_args *args = view->args;
    const char *what = args->n_rest ? args->rest[0] : "list";
    bool showing = strcmp(what, "show") == 0;
    bool flushing = strcmp(what, "flush") == 0;
    if (strcmp(what, "list") == 0)
        list(view);
    else if (!showing && !flushing)
        spool_view_worse(view, tool_misused(view->command, "there is no `queue %s`", what));
    else if (showing && args->n_rest < 2)
        spool_view_worse(view,
                         tool_misused(view->command, "name a message; `poterne queue` lists them"));
    if (flushing && args->n_rest < 2)
        flush(view, "");
    for (size_t i = 1; showing && i < args->n_rest; i++)
        show(view, args->rest[i]);
    for (size_t i = 1; flushing && i < args->n_rest; i++)
        flush(view, args->rest[i]);
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
    .summary = "show what waits for delivery, or try it now",
    .arguments = "[list] | show ID… | flush [ID…]",
    .help = "list has each message with its recipients and what the last try said; show all that\n"
            "is known of one, or with --message the message itself as it was received.\n"
            "flush tries delivery now instead of at the next retry.\n"
            "Exit status: 0 done, 1 not there, 2 could not be done.\n",
    .options = OPT_CONFIG | OPT_JSON | OPT_MESSAGE,
    .run = run,
};
