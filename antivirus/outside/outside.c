#include "antivirus/outside/outside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "antivirus/outside/child.h"
#include "antivirus/outside/task.h"

struct outside {
    struct outside_task tasks[AV_ENGINES_MAX];
    size_t n;
    unsigned timeout; /* seconds */
};

static const struct outside_kind *const kinds[] = {[SCANNER_CLAMD] = &outside_clamd,
                                                   [SCANNER_ICAP] = &outside_icap,
                                                   [SCANNER_COMMAND] = &outside_command};

/* --- what the kinds share --- */

size_t task_next_item(const struct outside_task *task, size_t i)
{
    size_t n = task_items(task);
    while (i < n && task_item(task, i).n == 0)
        i++;
    return i;
}

void task_finish(struct outside_task *task)
{
    if (task->done)
        return;
    task->done = true;
    if (task->message->left_out.n > 0)
        av_found(task->answer, AV_UNSCANNABLE, "%.*s", STR_ARG(task->message->left_out));
    task->answer->microseconds = (unsigned)(clock_us() - task->began);
}

void task_fail(struct outside_task *task, const char *format, ...)
{
    char why[AV_NAME_MAX];
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    av_found(task->answer, AV_FAILED, "%s", why);
    task_finish(task);
}

void task_text(struct str said, char *out, size_t size)
{
    size_t n = said.n < size - 1 ? said.n : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = said.s[i] >= ' ' && said.s[i] < 127 ? said.s[i] : '?';
    out[n] = '\0';
}

/* --- all of them --- */

static int open_one(struct outside *outside, const struct conf *conf,
                    const struct conf_scanner *scanner, struct err *err)
{
    struct outside_task *task = &outside->tasks[outside->n];
    if (outside->n == AV_ENGINES_MAX)
        return err_set(err, "antivirus.engines: more than %d engines", AV_ENGINES_MAX);
    *task = (struct outside_task){.kind = kinds[scanner->type],
                                  .scanner = scanner,
                                  .conf = &conf->antivirus,
                                  .sandbox_required = conf->sandbox_required};
    task->data = task->kind->open(scanner, &conf->antivirus, err);
    if (task->data == NULL)
        return err_prefix(err, "scanner %s", scanner->name);
    outside->n++;
    return 0;
}

struct outside *outside_open(const struct conf *conf, struct err *err)
{
    const struct conf_antivirus *av = &conf->antivirus;
    struct outside *outside = calloc(1, sizeof *outside);
    if (outside == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    outside->timeout = av->timeout;
    for (size_t i = 0; i < av->engines.n; i++) {
        const struct conf_scanner *scanner = conf_scanner_find(av, av->engines.items[i]);
        if (scanner && open_one(outside, conf, scanner, err) < 0) {
            outside_close(&outside);
            return NULL;
        }
    }
    return outside;
}

void outside_close(struct outside **outside)
{
    if (*outside == NULL)
        return;
    for (size_t i = 0; i < (*outside)->n; i++)
        (*outside)->tasks[i].kind->close((*outside)->tasks[i].data);
    free(*outside);
    *outside = NULL;
}

int outside_use_tmp(struct outside *outside, const char *folder, struct err *err)
{
    for (size_t i = 0; i < outside->n; i++) {
        const struct outside_task *task = &outside->tasks[i];
        if (task->kind->use_tmp && task->kind->use_tmp(task->data, folder, err) < 0)
            return err_prefix(err, "scanner %s", task->scanner->name);
    }
    return 0;
}

void outside_sandbox(const struct conf_antivirus *conf, struct sandbox *box)
{
    for (size_t i = 0; i < conf->engines.n; i++) {
        const struct conf_scanner *scanner = conf_scanner_find(conf, conf->engines.items[i]);
        if (scanner == NULL)
            continue;
        if (scanner->type != SCANNER_COMMAND) {
            box->allow |= scanner->address.path ? SANDBOX_UNIX_CONNECT : SANDBOX_INET_CONNECT;
            continue;
        }
        /* a program is started, watched and ended, in a narrower sandbox of its own */
        box->allow |= SANDBOX_FORK | SANDBOX_NEST | SANDBOX_THREADS;
        child_sandbox(scanner, box);
        /* a child can't have more than its parent may */
        if (box->memory_limit > 0 && box->memory_limit < scanner->memory_limit)
            box->memory_limit = scanner->memory_limit;
    }
}

size_t outside_count(const struct outside *outside)
{
    return outside->n;
}

static void start(struct outside_task *task, const struct av_message *message,
                  struct av_answer *answer, uint64_t deadline)
{
    *answer = (struct av_answer){.result = AV_CLEAN};
    snprintf(answer->engine, sizeof answer->engine, "%s", task->scanner->name);
    task->message = message;
    task->answer = answer;
    task->deadline = deadline;
    task->began = clock_us();
    task->done = false;
    task->kind->start(task);
}

/* False when the time is over or nobody waits for anything any more. */
static bool wait_for_any(const struct outside *outside, uint64_t deadline)
{
    struct pollfd fds[AV_ENGINES_MAX * TASK_FDS];
    nfds_t n = 0;
    uint64_t left = av_left(deadline);
    for (size_t i = 0; i < outside->n; i++)
        if (!outside->tasks[i].done)
            n += outside->tasks[i].kind->waits(&outside->tasks[i], &fds[n]);
    if (n == 0 || left == 0)
        return false;
    return poll(fds, n, (int)left) >= 0 || errno == EINTR;
}

void outside_scan(struct outside *outside, const struct av_message *message,
                  struct av_answer *answers)
{
    uint64_t deadline = (uint64_t)clock_ms() + (uint64_t)outside->timeout * 1000;
    for (size_t i = 0; i < outside->n; i++)
        start(&outside->tasks[i], message, &answers[i], deadline);
    while (wait_for_any(outside, deadline))
        for (size_t i = 0; i < outside->n; i++)
            if (!outside->tasks[i].done)
                outside->tasks[i].kind->step(&outside->tasks[i]);
    for (size_t i = 0; i < outside->n; i++) {
        struct outside_task *task = &outside->tasks[i];
        if (!task->done)
            task_fail(task, "no answer within %u s", outside->timeout);
        task->kind->stop(task);
        task->message = NULL;
        task->answer = NULL;
    }
}
