/*
 * workers: many jobs done by child processes, all processors at work, results in the jobs' order.
 * Jobs are numbered from 0. A child that dies costs the job that it died of, and nothing else:
 * another takes its place.
 */
#ifndef POTERNE_TOOLS_WORKERS_H
#define POTERNE_TOOLS_WORKERS_H

#include "base/buf.h"
#include "base/err.h"

#define WORKERS_MAX        256
#define WORKERS_BATCH      8    /* jobs given out at a time */
#define WORKERS_AHEAD      2048 /* begun beyond the first that is not done */
#define WORKERS_RESULT_MAX ((size_t)16 * 1024 * 1024)

struct workers_plan {
    size_t n;
    unsigned processes; /* 0: one a processor */
    void *data;
    /* In a child: does the job and says what came of it. */
    void (*work)(void *data, size_t job, struct buf *result);
    /* Here, in order: what work() said; died: nothing, it ended with this status of waitpid(). */
    void (*done)(void *data, size_t job, struct str result, int died);
    /* Here, now and then: true ends the run, and what was not done yet is left. May be NULL. */
    bool (*stop)(void *data);
};

/* What stdio still holds is written first. -1: no child could be made, or memory ran out. 1: it was
 * stopped. */
int workers_run(const struct workers_plan *plan, struct err *err);

#endif
