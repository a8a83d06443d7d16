/*
 * bounces: how much of an account's mail other servers refused for good, lately: against stolen
 * passwords, whose thieves send to lists of addresses of which many are dead or guarded. Counted
 * are, in an hour's sliding window (windows.h), the recipients in domains of others whom it sent
 * to, those who were answered for, and those of them whom the answer was a bounce for; delivery
 * says which (frozen.h there). An account is over when there are limits.freeze_bounces of the
 * latter, and these are limits.freeze_bounces_percent at least of all whom it sent to or who were
 * answered for, whichever are more: a newsletter to an old list has many dead addresses, too, but
 * most of it arrives, if later than what is refused at once.
 *
 * Where a process is killed between what it counts and what it writes of a recipient, that one is
 * counted again: never one bounce fewer. Where more than BOUNCES_ENTRIES / 2 accounts send within
 * an hour, who was idle for longest is forgotten.
 */
#ifndef POTERNE_GATEWAY_GATE_BOUNCES_H
#define POTERNE_GATEWAY_GATE_BOUNCES_H

#include "base/conf.h"
#include "gateway/gate/windows.h"

#define BOUNCES_TABLE   "bounces"
#define BOUNCES_ENTRIES 16384 /* with WINDOWS_ENTRY_BYTES each 6 MB */
#define BOUNCES_SECONDS 3600

struct bounces {
    const struct conf_limits *conf;
    struct windows *windows; /* NULL: nothing is counted */
};

struct bounces_counts {
    unsigned sent, answered, bounced;
    unsigned of; /* the greater of the first two */
};

/* Nothing is opened where limits.freeze_bounces is 0. -1 with err: out of memory. */
int bounces_open(struct bounces *bounces, const struct conf *conf, struct err *err);
void bounces_close(struct bounces *bounces);

/* Also for who looks, at a table that he has opened himself. Times are seconds since 1970. */
struct bounces_counts bounces_counted(struct windows *windows, struct str account, int64_t now);
/* Nothing counts of it any more. */
void bounces_forget(struct windows *windows, struct str account);

/* It sends to so many more; what is beyond BOUNCES_SENT_MAX is not counted. */
#define BOUNCES_SENT_MAX 10000
void bounces_sent(const struct bounces *bounces, struct str account, size_t n, int64_t now);
/* One more recipient was answered for; true: the account is over, by these counts. */
bool bounces_note(const struct bounces *bounces, struct str account, bool bounced, int64_t now,
                  struct bounces_counts *counts);

#endif
