/*
 * reader: a process that does one piece of work on hostile bytes and ends: what it dies of ends
 * nothing else. It holds no descriptor but the one that it is given and keeps of the sandbox what
 * its maker names; what it found comes back in a memory file.
 */
#ifndef POTERNE_GATEWAY_REPORTS_READER_H
#define POTERNE_GATEWAY_REPORTS_READER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/sandbox.h"

#define READER_GRACE 5 /* seconds after its time until it is killed from outside */

struct reader_work {
    /* In the new process: what it finds goes into `result`. -1 with err: it could not. */
    int (*run)(void *data, int fd, struct buf *result, struct err *err);
    void *data;
    int fd; /* that run() gets; -1: none. It stays the caller's */
    const struct sandbox *sandbox;
    unsigned timeout; /* seconds */
    size_t result_max;
};

struct reader {
    pid_t pid;
    int result_fd;
    int end_fd;          /* of the process: readable when it has ended */
    int64_t deadline_ms; /* monotonic: then reader_kill() */
};

enum reader_end {
    READER_DONE,   /* result holds what was found */
    READER_FAILED, /* err says what it could not do */
    READER_DIED    /* err says of what */
};

int reader_start(struct reader *reader, const struct reader_work *work, struct err *err);
/* Once end_fd is readable, or after reader_kill(). `result` has the maximum of its work. */
enum reader_end reader_finish(struct reader *reader, struct buf *result, struct err *err);
void reader_kill(const struct reader *reader);
/* Starts one, waits for its end. */
enum reader_end reader_run(const struct reader_work *work, struct buf *result, struct err *err);

#endif
