/*
 * task: one outside scanner being asked about one message, whatever it speaks. The loop of
 * outside.c drives all of them at once: it waits for what each waits for, and lets each do what
 * goes without waiting.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_TASK_H
#define POTERNE_ANTIVIRUS_OUTSIDE_TASK_H

#include <poll.h>

#include "antivirus/engine.h"

#define TASK_FDS 2 /* that one task waits for */

struct outside_kind;

struct outside_task {
    const struct outside_kind *kind;
    const struct conf_scanner *scanner;
    const struct conf_antivirus *conf;
    bool sandbox_required; /* by what it runs, too */
    void *data;            /* the kind's own, over all messages */

    const struct av_message *message;
    struct av_answer *answer; /* begins as AV_CLEAN, which holds only once all is looked at */
    uint64_t deadline;        /* clock_ms */
    int64_t began;            /* clock_us */
    bool done;
};

struct outside_kind {
    /* Once; NULL: err says why. */
    void *(*open)(const struct conf_scanner *scanner, const struct conf_antivirus *conf,
                  struct err *err);
    void (*close)(void *data);
    /* For files, below this folder (absolute); NULL: it makes none. */
    int (*use_tmp)(void *data, const char *folder, struct err *err);
    /* A message begins; what goes wrong is an answer. */
    void (*start)(struct outside_task *task);
    /* Fills in what it waits for, at most TASK_FDS. */
    size_t (*waits)(const struct outside_task *task, struct pollfd *fds);
    /* Does what goes now. */
    void (*step)(struct outside_task *task);
    /* The message is over, with an answer or without. */
    void (*stop)(struct outside_task *task);
};

extern const struct outside_kind outside_clamd;
extern const struct outside_kind outside_icap;
extern const struct outside_kind outside_command;

/* What is looked at: 0 is the message as it came, then its parts. */
static inline size_t task_items(const struct outside_task *task)
{
    return 1 + task->message->n_parts;
}

static inline struct str task_item(const struct outside_task *task, size_t i)
{
    return i == 0 ? task->message->raw : task->message->parts[i - 1].bytes;
}

/* The next one from `i` on that has bytes; task_items() if there is none. */
size_t task_next_item(const struct outside_task *task, size_t i);

/* The answer stands. */
void task_finish(struct outside_task *task);
/* It could not do its work, and the answer is whatever weighs more: this, or what it found. */
void task_fail(struct outside_task *task, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What a scanner said, fit for a log and a header: printable ASCII, the rest is '?', cut to size.
 */
void task_text(struct str said, char *out, size_t size);

#endif
