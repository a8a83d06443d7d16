/*
 * commit: threads for what blocks: fsync. A job is done by one of them and then finished in
 * the event loop, in the order in which they get ready.
 */
#ifndef POTERNE_GATEWAY_EDGE_COMMIT_H
#define POTERNE_GATEWAY_EDGE_COMMIT_H

#include <event2/event.h>

#include "base/err.h"

/* Lives in its owner, who keeps it until `finished` is called. */
struct commit_job {
    struct commit_job *next;
    void (*work)(struct commit_job *job);     /* in a thread: nothing but the job's own */
    void (*finished)(struct commit_job *job); /* in the event loop */
};

struct committer;
/* Starts the threads. NULL with err set. */
struct committer *committer_open(struct event_base *base, unsigned threads, struct err *err);
/* Tells those that are ready; once a second, should a waking have been lost. */
void committer_tick(struct committer *committer);
void committer_put(struct committer *committer, struct commit_job *job);
/* Waits for the threads; jobs that are not finished are worked on, but not told of. */
void committer_close(struct committer **committer);

#endif
