/*
 * windows: what somebody did lately, counted in sliding windows so exactly that no window of a
 * limit's length ever holds one more than the limit, wherever it begins: also with many sessions at
 * once, over two generations of edge, and when one is killed between two steps (mapped.h).
 *
 * Time is cut into minutes. A minute counts whole until all of it is out of the window, so that
 * what was counted is free again WINDOWS_STEP seconds late at most, and never early. When the
 * clock is set back all that was counted keeps its age.
 *
 * An entry is somebody's until nothing in it counts any more, and stands in one of two groups of
 * places, in the emptier when he comes (Azar, Broder, Karlin, Upfal: Balanced Allocations, 1999):
 * so more than nine tenths of a table are used before anybody finds no place. Where every place of
 * both groups is somebody's, the newcomer is not counted, and who asked must not go on
 * (WINDOWS_REFUSE: a limit that somebody else can make us forget is none), or the one who did
 * nothing for longest makes room (WINDOWS_FORGET).
 */
#ifndef POTERNE_GATEWAY_GATE_WINDOWS_H
#define POTERNE_GATEWAY_GATE_WINDOWS_H

#include "base/err.h"
#include "base/str.h"

#define WINDOWS_STEP      60   /* seconds */
#define WINDOWS_LONGEST   3600 /* the longest window */
#define WINDOWS_BUCKETS   (WINDOWS_LONGEST / WINDOWS_STEP + 1)
#define WINDOWS_SERIES    2
#define WINDOWS_COUNT_MAX UINT16_MAX /* in a minute; more is not counted */
#define WINDOWS_GROUP     32         /* places; somebody's entry may stand in two groups */
#define WINDOWS_NAME_SIZE 64         /* longer names are cut */

/* Who is counted: made by windows_who(). */
struct windows_who {
    unsigned char key[16];
    uint8_t kind, of; /* the caller's: what he is, and of what class */
    char name[WINDOWS_NAME_SIZE];
};
/* Name, in any case, of a kind and class; `kind` is not 0. */
struct windows_who windows_who(unsigned kind, unsigned of, struct str name);

struct windows_entry {
    struct windows_who who; /* kind 0: nobody's */
    uint16_t hits;          /* how often he was at a limit … */
    uint32_t hits_since;    /* … since then: seconds since 1970 */
    uint32_t minute; /* the newest that is counted, of counts[…][minute % WINDOWS_BUCKETS] */
    uint16_t counts[WINDOWS_SERIES][WINDOWS_BUCKETS];
};

/* At most so many of that series in so many seconds, whole minutes; 0: as many as one likes. */
struct windows_limit {
    unsigned series;
    unsigned seconds;
    unsigned most;
};

#define WINDOWS_LIMITS_MAX  4 /* of one who is counted */
#define WINDOWS_CHARGES_MAX 4 /* who are counted at once */

struct windows_charge {
    struct windows_who who;
    struct windows_limit limits[WINDOWS_LIMITS_MAX];
    size_t n_limits;
};

enum windows_result {
    WINDOWS_COUNTED,
    WINDOWS_REACHED,  /* a limit is: nothing was counted */
    WINDOWS_UNCOUNTED /* there is no room, or the table could not be had: nothing was counted */
};

/* Which limit was reached, and when one more is free again. */
struct windows_reached {
    size_t charge, limit;
    unsigned counted;
    int64_t until;
    unsigned hits; /* of him, within an hour of the first of them, this one with it */
};

enum windows_full { WINDOWS_REFUSE, WINDOWS_FORGET };

struct windows;
/* Of STATE_DIR/gate/NAME; WINDOWS_ENTRY_BYTES each. NULL: out of memory. */
#define WINDOWS_ENTRY_BYTES sizeof(struct windows_entry)
struct windows *windows_open(const char *state_dir, const char *name, size_t entries,
                             enum windows_full full, struct err *err);
/* As it stands, for who looks at it; NULL, errno ENOENT: there is none. */
struct windows *windows_existing(const char *state_dir, const char *name, struct err *err);
void windows_close(struct windows **windows);

/* One more of the series for all of them, or for none. `now`: seconds since 1970. */
enum windows_result windows_count(struct windows *windows, const struct windows_charge *charges,
                                  size_t n, unsigned series, int64_t now,
                                  struct windows_reached *reached);
/* Would it be counted? */
enum windows_result windows_look(struct windows *windows, const struct windows_charge *charges,
                                 size_t n, unsigned series, int64_t now,
                                 struct windows_reached *reached);
/* What was counted at `then` is not meant to count: where it still does, it is taken off. */
void windows_take_back(struct windows *windows, const struct windows_who *who, unsigned series,
                       int64_t then, int64_t now);
/* Nothing counts of him any more; false: nothing did. */
bool windows_clear(struct windows *windows, const struct windows_who *who);

/* How often he was at a limit is forgotten; what he did counts on. */
void windows_pardon(struct windows *windows, const struct windows_who *who);

/* To look at: a copy of his entry; false: there is none. */
bool windows_find(struct windows *windows, const struct windows_who *who,
                  struct windows_entry *entry);
/* All of whom something counts, one after the other; *at begins with 0. False: no more. */
bool windows_next(struct windows *windows, size_t *at, int64_t now, struct windows_entry *entry);
/* What the limit counts of him now. */
unsigned windows_sum(const struct windows_entry *entry, unsigned series, unsigned seconds,
                     int64_t now);

#endif
