/*
 * freeze: an account may send nothing from now on (gate/senders.h), and the managers are told at
 * once: one message for each that is frozen, FREEZE_NOTES_MAX an hour of one process; the others
 * are in the log, in `poterne senders` and in the digest. For edge and delivery; threads do it.
 *
 *   1 the note staged in incoming/ID      a crash before 2: it is removed, nobody is frozen
 *   2 the record written, which names ID  from here on the account is frozen
 *   3 the note moved to queue/            a crash before: freeze_recover() does it, at any start
 *
 * So there is exactly one note for each freeze, whoever is killed when. Where the note can't be
 * made the account is frozen without.
 */
#ifndef POTERNE_GATEWAY_FREEZE_H
#define POTERNE_GATEWAY_FREEZE_H

#include <time.h>

#include "gateway/gate/senders.h"
#include "gateway/outgoing.h"

#define FREEZE_NOTES_MAX     20
#define FREEZE_NOTES_SECONDS 3600

/* How many notes this process has made. */
struct freeze_notes {
    time_t since; /* monotonic; 0: none yet */
    unsigned n;
};
/* One more is made now: may it be? */
bool freeze_may_tell(struct freeze_notes *notes, time_t now);

struct freeze {
    const struct post *post;
    const struct senders *senders;
    char account[FROZEN_ACCOUNT_MAX + 1];
    char why[FROZEN_WHY_MAX + 1];
    bool told; /* the managers shall be */
    /* what came of it */
    int result;                /* of senders_freeze() */
    char id[SPOOL_ID_LEN + 1]; /* of the note, which is in queue/; "": there is none */
    struct err err;            /* of result -1 */
};

/* `why`: "it reached a limit 100 times within an hour: …"; both are cut to what fits. */
void freeze_set(struct freeze *freeze, struct str account, struct str why);
/* Blocks. What goes wrong with the note is logged. */
void freeze_run(struct freeze *freeze);
/* What came of it. */
void freeze_log(const struct freeze *freeze);

/* Before anything removes what lies in incoming/: notes of freezes that a crash has kept there go
 * into the queue. -1: err; some may be left to the next start. */
int freeze_recover(const struct senders *senders, struct spool *spool, struct err *err);

#endif
