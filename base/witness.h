/*
 * witness: how late it was when something was last done that hangs on the time of day. What is old
 * by the clock alone is removed, or given up, only where the clock is believed: one that was set
 * years ahead (a dead battery, a hand that slipped) must not make everything old at one look.
 */
#ifndef POTERNE_BASE_WITNESS_H
#define POTERNE_BASE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WITNESS_FILE  "expire.stamp"
#define WITNESS_SINCE "expire.doubt"    /* when doubt began, by the clock that is doubted */
#define WITNESS_LOOK  "expire.doubting" /* the last look meanwhile; both only while it lasts */
#define WITNESS_JUMP  (3 * 86400) /* seconds between two looks that are as many as are believed */
#define WITNESS_STEP  3600        /* … that a clock may be set ahead by while somebody looks on */
#define WITNESS_DOUBT 86400       /* seconds for which it is not believed: somebody may see it */
#define WITNESS_PAUSE 60          /* seconds between two notes of a look */

/*
 * folder: where the note is (STATE_DIR/quarantine); now: seconds since 1970. False: since the last
 * look more time went by than is believed; err says so. True, and the look is noted, where it is
 * believed or `anyway` is said, and at the first look; err is set (else empty) when that could not
 * be written down.
 */
bool witness_trusts(const char *folder, int64_t now, bool anyway, struct err *err);

/* One that looks on: zeros to begin with. */
struct witness {
    bool begun;
    bool doubts;
    int64_t offset;  /* now - uptime, as it was last believed */
    int64_t noted;   /* uptime of the last note */
    int64_t doubted; /* doubts: uptime since which it is not believed */
};

/*
 * The same for who looks every minute or so: how late it is, as far as it is believed. uptime:
 * seconds of a clock that nobody sets (clock_uptime()). A jump ahead counts above WITNESS_STEP, one
 * since the note that a process before it left above WITNESS_JUMP: then it is as late as it would
 * be without, until somebody sets the clock right, or WITNESS_DOUBT is over. A process that finds
 * the clock as the one before it doubted it goes on with that doubt, so that restarts don't make it
 * last for ever. err is set (else empty) when doubt begins, goes on in another process, or ends, or
 * nothing can be noted: to be logged.
 */
int64_t witness_time(struct witness *w, const char *folder, int64_t now, int64_t uptime,
                     struct err *err);

#endif
