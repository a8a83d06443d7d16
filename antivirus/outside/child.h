/*
 * child: a program that is not ours, run on hostile files: exact arguments, no shell, no
 * environment, nothing open but /dev/null and one pipe for what it says; in a process group that
 * nothing it starts can leave, in a sandbox narrower than ours (its own files, no TCP), below
 * limits of memory, time, files. Ending it ends all that it started.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_CHILD_H
#define POTERNE_ANTIVIRUS_OUTSIDE_CHILD_H

#include <sys/types.h>

#include "base/conf.h"
#include "base/sandbox.h"

struct child_plan {
    const struct conf_scanner *scanner;
    const char *const *argv; /* the program's path first, ends with NULL */
    const char *folder;      /* that it may write to */
    const char *work;        /* where it starts, in that folder */
    int null_fd;             /* /dev/null */
    unsigned seconds;        /* of processor time */
    size_t file_limit;       /* bytes of one file that it writes */
    bool sandbox_required;   /* it does not run without all of its sandbox */
};

struct child {
    pid_t pid; /* 0: there is none */
    int alive; /* pidfd: readable when it has ended; -1: closed */
    int says;  /* its output and its errors; -1: closed */
};

#define CHILD_NONE_RUNS ((struct child){.alive = -1, .says = -1})

/* What a scanner's program needs of our sandbox; paths live as long as the settings. */
void child_sandbox(const struct conf_scanner *scanner, struct sandbox *box);

int child_start(struct child *child, const struct child_plan *plan, struct err *err);
/* Has it ended? Then *status is as of wait(2), and all that it started has been ended. */
bool child_ended(struct child *child, int *status);
/* Ends it, if it runs, and all that it started; closes everything. */
void child_stop(struct child *child);

#endif
