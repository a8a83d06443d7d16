/*
 * health: do the name servers answer at all? When several questions in a row got no answer in time
 * they are "away": then nobody waits for them any more. Questions still go out, and the first that
 * is answered ends it. What one name's servers do says nothing of that: between the questions for
 * it others are answered.
 *
 * Times are monotonic milliseconds, given by the caller.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_HEALTH_H
#define POTERNE_GATEWAY_RESOLVER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_SILENCE_MS 1500 /* a question that is open so long counts as not answered */
#define HEALTH_SILENT_MAX 5    /* so many in a row, with no answer since the first: away */

struct health {
    unsigned silent;     /* questions without an answer since the last answer */
    bool away;           /* as described above */
    int64_t away_since;  /* while away */
    uint64_t outages;    /* how often it was */
    uint64_t answered;   /* questions that were answered by somebody … */
    uint64_t answer_us;  /* … and how long they took, in all */
    int64_t last_answer; /* when the last question was asked that got an answer */
};

/* An answer came to what was asked at `asked` (monotonic microseconds `took`). True: they were away
 * until now. */
bool health_answered(struct health *health, int64_t asked, uint64_t took_us);
/* What was asked at `asked` has got none. True: from now on they are away. */
bool health_silent(struct health *health, int64_t asked, int64_t now);
/* Is it in doubt whether they are there? Then something should be asked that must have an answer.
 */
static inline bool health_doubtful(const struct health *health)
{
    return health->silent > 0;
}

#endif
