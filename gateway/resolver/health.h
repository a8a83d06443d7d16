/*
 * health: do the name servers answer at all? They are "away" when several questions in a row got no
 * answer in time and a probe got none either: a question of nobody for a name of our own. The names
 * in a message are its sender's choice, and so is the silence of their servers: without the probe
 * five of them would switch the DNS off for all. While away nobody waits for answers any more;
 * questions still go out, and the first that is answered ends it.
 *
 * Times are monotonic milliseconds, given by the caller.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_HEALTH_H
#define POTERNE_GATEWAY_RESOLVER_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#define HEALTH_DOUBT_MS   500  /* a question that is open so long: is anybody there? */
#define HEALTH_SILENCE_MS 1500 /* … counts as not answered */
#define HEALTH_SILENT_MAX 5    /* so many in a row, with no answer since the first */

struct health {
    unsigned silent;     /* questions without an answer since the last answer */
    bool probe_silent;   /* a probe got none since then */
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
/* What was asked at `asked` has got none, and likewise a probe. True: from now on they are away. */
bool health_silent(struct health *health, int64_t asked, int64_t now);
bool health_probe_silent(struct health *health, int64_t asked, int64_t now);
/* Is it in doubt whether they are there? Then a probe is to be asked. `oldest`: when the question
 * was asked that is open for longest; 0: none is. */
bool health_doubtful(const struct health *health, int64_t oldest, int64_t now);

#endif
