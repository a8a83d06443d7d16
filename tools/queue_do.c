/* queue_do: what is to become of messages in the queue: the gateway is asked to do it, of one after
 * another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/json.h"
#include "tools/queue_tool.h"

#define ASK_FROM  10 /* messages that are deleted without --yes only where they are named */
#define TELL_MAX  20 /* messages that are told of one by one, and complaints */
#define LINE_SIZE 256

static const struct {
    const char *name;
    enum notice_kind kind;
    const char *past; /* "312 messages were …" */
} verbs[] = {
    {"flush", NOTICE_FLUSH, "hurried"},      {"hold", NOTICE_HOLD, "held"},
    {"release", NOTICE_RESUME, "released"},  {"delete", NOTICE_DROP, "deleted"},
    {"requeue", NOTICE_REQUEUE, "requeued"},
};
#define N_VERBS (sizeof verbs / sizeof verbs[0])

int queue_verb_find(const char *name)
{
    for (size_t i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return (int)i;
    return -1;
}

struct task {
    struct spool_view *view;
    int verb;
    bool named; /* the messages are, one by one */
    bool dry;
    char (*ids)[SPOOL_ID_LEN + 1];
    size_t n, room;
    size_t limit; /* 0: none */
    size_t done, gone, failed;
};

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* --- which ones --- */

static bool add(struct task *task, struct str id)
{
    if (task->n == task->room) {
        size_t room = task->room ? 2 * task->room : 256;
        void *ids = realloc(task->ids, room * sizeof *task->ids);
        if (ids == NULL) {
            const struct err err = {"out of memory"};
            spool_view_worse(task->view, tool_fail(task->view->command, &err));
            return false;
        }
        task->ids = ids;
        task->room = room;
    }
    str_copy(id, task->ids[task->n++], sizeof *task->ids);
    return true;
}

static bool add_word(struct task *task, struct str word)
{
    if (spool_id_valid(word))
        return add(task, word);
    spool_view_worse(task->view, tool_misused(task->view->command, "\"%.*s\" is no message id",
                                              STR_ARG(str_sub(word, 0, 100))));
    return false;
}

/* The first word of each line. */
static bool add_lines(struct task *task)
{
    char line[LINE_SIZE];
    while (fgets(line, sizeof line, stdin)) {
        struct str word = str_trim(str_of(line));
        word = str_sub(word, 0, str_chr(word, ' '));
        if (word.n && !add_word(task, word))
            return false;
    }
    return true;
}

static int add_file(void *data, struct spool_file *file)
{
    struct task *task = data;
    if (task->limit && task->n == task->limit)
        return 1;
    if (task->dry)
        spool_view_put(task->view, file);
    return add(task, file->envelope.id) ? 0 : -1;
}

static bool choose_named(struct task *task)
{
    const struct tool_args *args = task->view->args;
    if (args->given & (QUEUE_FILTERS | OPT_EVERY_ONE)) {
        spool_view_worse(task->view,
                         tool_misused(task->view->command, "ids and filters exclude each other"));
        return false;
    }
    for (size_t i = 1; i < args->n_rest; i++)
        if (!(strcmp(args->rest[i], "-") == 0 ? add_lines(task)
                                              : add_word(task, str_of(args->rest[i]))))
            return false;
    return true;
}

static bool choose(struct task *task)
{
    const struct tool_args *args = task->view->args;
    struct queue_filter filter;
    if (task->named)
        return choose_named(task);
    if ((args->given & (QUEUE_FILTERS | OPT_EVERY_ONE)) == 0) {
        spool_view_worse(task->view, tool_misused(task->view->command,
                                                  "name messages or a filter; --all is everything "
                                                  "that is in the queue"));
        return false;
    }
    return queue_filter_read(task->view, &filter) &&
           queue_each(task->view, &filter, add_file, task);
}

/* --- asking --- */

static enum notice_kind kind_of(const struct task *task)
{
    enum notice_kind kind = verbs[task->verb].kind;
    return kind == NOTICE_DROP && task->view->args->given & OPT_NOTIFY ? NOTICE_DROP_TELL : kind;
}

static void say(const struct task *task, const char *id, bool done, struct str text)
{
    if (task->view->args->given & OPT_JSON) {
        json_line(json_pack("{s:s, s:b, s:o}", "id", id, "done", done, "said", json_text(text)));
        return;
    }
    if (!done || !(task->named && task->n <= TELL_MAX))
        return;
    printf("%s%s", id, *id ? ": " : "");
    tool_put_text(stdout, text);
    putchar('\n');
}

/* What was delivered meanwhile is no failure, where nobody named it. */
static void refused(struct task *task, const char *id, const struct err *err)
{
    struct spool_view *view = task->view;
    bool away = *id && spool_file_size(view->spool, SPOOL_QUEUE, id) < 0 && errno == ENOENT;
    say(task, id, false, str_of(err->text));
    if (away)
        task->gone++;
    else
        task->failed++;
    if (away && !task->named)
        return;
    if (task->failed + task->gone <= TELL_MAX)
        tool_fail(view->command, err);
    spool_view_worse(view, away ? TOOL_NO : TOOL_FAILED);
}

struct asking {
    struct task *task;
    struct tool_progress bar;
};

static void answered(void *data, size_t i, const struct notice_reply *reply)
{
    struct asking *asking = data;
    struct task *task = asking->task;
    struct err err;
    tool_progress_step(&asking->bar);
    if (reply->done) {
        task->done++;
        say(task, task->ids[i], true, reply->text);
        return;
    }
    err_set(&err, "%.*s", STR_ARG(reply->text));
    refused(task, task->ids[i], &err);
}

static void ask_all(struct task *task)
{
    struct buf why = BUF_INIT(SPOOL_DETAIL_MAX);
    struct asking asking = {.task = task};
    struct err err = {""};
    bool json = task->view->args->given & OPT_JSON;
    tool_put_who(&why);
    const struct notice_many many = {.run_dir = task->view->conf->run_dir,
                                     .notice = {.kind = kind_of(task),
                                                .recipient = NOTICE_EVERYONE,
                                                .why = buf_str(&why)},
                                     .ids = (const char(*)[SPOOL_ID_LEN + 1]) task->ids,
                                     .n = task->n,
                                     .answered = answered,
                                     .data = &asking};
    tool_progress_begin(&asking.bar, task->n > TELL_MAX && !json ? verbs[task->verb].past : NULL,
                        task->n);
    size_t n = notice_ask_many(&many, &err);
    tool_progress_end(&asking.bar);
    if (n < task->n) {
        err_prefix(&err, "%zu of %zu message%s %s, since only the running gateway may do that",
                   task->done, task->n, plural(task->n), verbs[task->verb].past);
        spool_view_worse(task->view, tool_fail(task->view->command, &err));
    }
    buf_release(&why);
}

static void put_end(const struct task *task)
{
    if (task->view->args->given & OPT_JSON || (task->named && task->n <= TELL_MAX))
        return;
    printf("%zu message%s %s", task->done, plural(task->done), verbs[task->verb].past);
    if (task->gone)
        printf(", %zu no longer in the queue", task->gone);
    if (task->failed)
        printf(", %zu refused", task->failed);
    putchar('\n');
}

/* Nobody deletes many by a slip. */
static bool may(const struct task *task)
{
    bool few = task->named && task->n <= ASK_FROM;
    struct err err;
    if (verbs[task->verb].kind != NOTICE_DROP || few || task->n == 0 ||
        task->view->args->given & OPT_YES)
        return true;
    err_set(&err, "delete %zu message%s? Say so with --yes; --dry-run lists them", task->n,
            plural(task->n));
    tool_fail(task->view->command, &err);
    spool_view_worse(task->view, TOOL_NO);
    return false;
}

static void flush_all(struct task *task)
{
    task->named = true;
    if (add(task, STR_EMPTY))
        ask_all(task);
}

static void run(struct task *task)
{
    const struct tool_args *args = task->view->args;
    if (verbs[task->verb].kind == NOTICE_FLUSH && args->n_rest < 2 &&
        !(args->given & (QUEUE_FILTERS | OPT_LIMIT | OPT_DRY_RUN))) {
        flush_all(task);
    } else if (choose(task)) {
        if (task->dry && !(args->given & OPT_JSON))
            printf("%zu message%s would be %s\n", task->n, plural(task->n), verbs[task->verb].past);
        if (!task->dry && may(task)) {
            ask_all(task);
            put_end(task);
        }
        if (task->n == 0)
            spool_view_worse(task->view, TOOL_NO);
    }
}

void queue_do(struct spool_view *view, int verb)
{
    const struct tool_args *args = view->args;
    struct task task = {.view = view,
                        .verb = verb,
                        .named = args->n_rest > 1,
                        .dry = args->given & OPT_DRY_RUN,
                        .limit = args->given & OPT_LIMIT ? args->limit : 0};
    run(&task);
    free(task.ids);
}
