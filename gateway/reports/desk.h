/*
 * desk: what the files of poterne-reports share. One process owns STATE_DIR/reports: what waits,
 * whom it answered, its digests. It reads no mail itself:
 *
 *   reports.c  the process: callers, readers at work, the clock
 *   reader.c   a process that does one piece of work on hostile bytes; read.c: a report taken apart
 *   who.c, decide.c   whose word it is, and what becomes of an original: pure functions
 *   act*.c     what was found in a report is done: learned, kept, answered
 *   daily.c    what is due by the clock: learning what was accepted, expiry, the digest
 *   audit_daily.c   poterne audit, once a day; backup_failed.c: that there was no backup
 *   large.c    decisions about many, carried out piece by piece
 *   tallies.c  aggregate reports about a day, to the domains that ask for them; wanted.c: to whom;
 *              hand_out.c: by which way
 *   feedback.c such reports that others send us; reporter.c: who they are
 *   outgoing.c mail of our own
 */
#ifndef POTERNE_GATEWAY_REPORTS_DESK_H
#define POTERNE_GATEWAY_REPORTS_DESK_H

#include <limits.h>

#include "base/role.h"
#include "gateway/outgoing.h"
#include "gateway/reports/audit_daily.h"
#include "gateway/reports/reader.h"
#include "gateway/reports/request.h"
#include "gateway/reports/tallies.h"
#include "reports/answer_times.h"
#include "reports/key.h"
#include "reports/order.h"

struct desk {
    const struct conf *conf;
    struct keys keys;
    struct buf own_text; /* of the answer; empty: ours */
    struct post post;
    char folder[PATH_MAX];
    char times_path[PATH_MAX];
    struct answer_times times;
    struct proposals *store;
    struct order *order;   /* under way; NULL: none is loaded */
    struct reader teacher; /* that takes what was accepted to the learner */
    bool teaching;         /* it is at work */
    struct tallies tallies;
    struct audit_daily audit;
    /* the clock: all monotonic, in ms, but for the digest */
    int64_t order_at_ms;   /* when to look for one, or to go on; INT64_MAX: when one is given */
    int64_t learner_at_ms; /* before that the learner, which did not answer, is not asked */
    int64_t teach_at_ms;
    int64_t sweep_at_ms;
    int64_t backup_at_ms;                 /* when to look whether one failed (backup_failed.h) */
    int64_t digest_at_us, digest_made_us; /* since 1970 */
};

/* --- act.c --- */
/*
 * What was found in a report (findings.h) is done, in three steps: what only looks; what a manager
 * teaches, in a process of its own since the learner may let it wait; the rest. Done again after it
 * was done or half done, it changes nothing more, but for the words that a manager gets who
 * answered a digest. The request must outlive it.
 */
struct acting;
/* `found` is taken over. NULL with err: try later. */
struct acting *acting_begin(struct desk *desk, const struct report_request *request,
                            struct buf *found, struct err *err);
/* Is there something for the learner? Then acting_learn() comes next, in a reader (reader.h). */
bool acting_learns(const struct acting *acting);
int acting_learn(void *acting, int fd, struct buf *result, struct err *err);
#define ACTING_LEARN_SECONDS 45
/* What that reader found; false when it makes no sense. */
bool acting_learned(struct acting *acting, struct str result, struct err *err);
/* `text`: what became of it, or why nothing did; also the journal's word. */
enum report_outcome acting_end(struct acting *acting, const char *answer_id, struct buf *text);
void acting_free(struct acting **acting);

/*
 * Is there a learner that answers? Its socket is poterned's and takes requests also while none is
 * there to read them: who does not answer a simple question soon is not waited for. This waits, so
 * it is asked in a process of its own. -1 with err.
 */
int desk_find_learner(const struct desk *desk, struct err *err);
/* It did not answer: for a while nobody waits for it, so that the reports of others go on. */
void desk_learner_lost(struct desk *desk);
bool desk_learner_away(const struct desk *desk);

/* --- daily.c --- */
int64_t desk_now_us(void); /* since 1970 */
void daily_start(struct desk *desk);
/* Once a second at least. */
void daily_tick(struct desk *desk);
/* Readable when the teacher is done, which daily_tick() then sees; -1: there is none. */
int daily_fd(const struct desk *desk);
void daily_stop(struct desk *desk);
/* Something was accepted: it is learned soon. */
void daily_teach_soon(struct desk *desk);

/* --- large.c --- */
/* One was given: it is begun at once. */
void large_begin(struct desk *desk);
/* In ms, until there is a piece to do: 0 now; -1: there is none. */
int large_wait_ms(const struct desk *desk);
/* Told how far an order is; `failed` NULL, or why it is tried again later. */
typedef void large_told(void *data, const struct order_progress *progress, bool done,
                        const char *failed);
/* Does a piece, if one is due. */
void large_step(struct desk *desk, large_told *told, void *data);

#endif
