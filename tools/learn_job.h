/*
 * learn_job: many messages to the learner. Child processes read and take apart, this one teaches.
 * It goes in windows of some thousand messages: first each message's digest is made and the
 * ledger asked which of them it knows, then what is new is taken apart. So a run that was broken
 * off, or one over a mailbox that has grown, is soon where something is new, whatever has become of
 * the files in between.
 */
#ifndef POTERNE_TOOLS_LEARN_JOB_H
#define POTERNE_TOOLS_LEARN_JOB_H

#include "bayes/learn/learn_ask.h"
#include "tools/pieces.h"
#include "tools/tool.h"

struct learn_job {
    const struct conf *conf;
    enum learn_class class;
    bool both;       /* ham and spam, in turns: of each piece its kind is the class */
    bool sent;       /* nothing is learned: the messages are what own users sent (known.h) */
    bool only_known; /* of these only answers to what they sent, and mail from whom they wrote to */
    unsigned processes; /* 0: one a processor */
    struct pieces pieces;
    struct tool_progress bar;
    struct learn_summary summary;
    uint64_t done, known, failed;
    uint64_t done_spam; /* of `done` */
    uint64_t capped;    /* its source, or messages like it, have taught their share */
    uint64_t passed;    /* not meant: no answer to own mail, no mail of own users */
    bool stopped;       /* by SIGINT or SIGTERM */
};

/* The class that is taught of a piece. */
static inline enum learn_class learn_job_class(const struct learn_job *job, size_t piece)
{
    return job->both ? (enum learn_class)job->pieces.list[piece].kind : job->class;
}

/* `what` is said by the progress bar; NULL: there is none. What can't be read or learned is told on
 * standard error and counted. -1: it can't go on. */
int learn_job_run(struct learn_job *job, const char *what, struct err *err);

#endif
