/*
 * desk: what the files of poterne-reports share. One process owns STATE_DIR/reports: what waits,
 * whom it answered, its digests. It reads no mail itself:
 *
 *   reports.c  the process: callers, readers at work, the clock
 *   reader.c   a process that does one piece of work on hostile bytes; read.c: a report taken apart
 *   who.c, decide.c   whose word it is, and what becomes of an original: pure functions
 *   act*.c     what was found in a report is done: learned, kept, answered
 *   daily.c    what is due by the clock: learning what was accepted, expiry, the digest
 *   outgoing.c mail of our own
 */
#ifndef POTERNE_GATEWAY_REPORTS_DESK_H
#define POTERNE_GATEWAY_REPORTS_DESK_H

#include <limits.h>

#include "base/role.h"
#include "gateway/reports/outgoing.h"
#include "gateway/reports/request.h"
#include "reports/answer_times.h"
#include "reports/key.h"
#include "reports/store.h"

struct desk {
    const struct conf *conf;
    struct keys keys;
    struct buf own_text; /* of the answer; empty: ours */
    struct post post;
    char folder[PATH_MAX];
    char times_path[PATH_MAX];
    struct answer_times times;
    struct proposals *store;
    /* the clock: all monotonic, in ms, but for the digest */
    int64_t teach_at_ms;
    int64_t sweep_at_ms;
    int64_t digest_at_us, digest_made_us; /* since 1970 */
};

/* --- act.c --- */
/*
 * What was found in a report (findings.h) is done. `text`: what became of it, or why nothing did;
 * also the journal's word. Done again after it was done or half done, it changes nothing more, but
 * for the words that a manager gets who answered a digest.
 */
enum report_outcome desk_act(struct desk *desk, const struct report_request *request,
                             const char *answer_id, struct str found, struct buf *text);

/*
 * Is there a learner that answers? Its socket is poterned's and takes requests also while none is
 * there to read them: who does not answer a simple question soon is not waited for, since others
 * wait for us. -1 with err.
 */
int desk_find_learner(const struct desk *desk, struct err *err);

/* --- daily.c --- */
int64_t desk_now_us(void); /* since 1970 */
void daily_start(struct desk *desk);
/* Once a second at least. */
void daily_tick(struct desk *desk);
/* Something was accepted: it is learned soon. */
void daily_teach_soon(struct desk *desk);

#endif
