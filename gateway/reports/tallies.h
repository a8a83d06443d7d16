/*
 * tallies: the aggregate reports about a day that is over are made and sent (tally/README.md): by
 * the clock, each domain's at a time of its own within TALLIES_SPREAD of midnight (UTC), or at once
 * when a manager says so. In a process of its own (reader.h), since the DNS may let it wait.
 */
#ifndef POTERNE_GATEWAY_REPORTS_TALLIES_H
#define POTERNE_GATEWAY_REPORTS_TALLIES_H

#include "gateway/reports/reader.h"
#include "journal/tally.h"

#define TALLIES_FIRST  900 /* seconds after midnight: what is late is in the journal by then */
#define TALLIES_SPREAD (6 * 3600) /* … and so much later the last domain's */
#define TALLIES_DAYS   2          /* back, for a gateway that did not run */
#define TALLIES_GRACE  (4 * 3600) /* … and since it runs: until then a silent DNS ends nothing */

struct desk;

struct tallies {
    struct reader sender; /* at work */
    bool sending;
    int64_t at_ms;       /* monotonic: when to look next */
    int64_t since_ms;    /* monotonic: it runs */
    int64_t day_now;     /* that is to be sent without waiting; -1: none */
    int64_t day_at_work; /* the one that the process at work sends so; -1: none */
    int64_t swept_day;
};

void tallies_start(struct desk *desk);
/* Once a second at least. */
void tallies_tick(struct desk *desk);
void tallies_stop(struct desk *desk);
/* A manager says so; the day must be over. */
void tallies_send_now(struct desk *desk, int64_t day);

#endif
