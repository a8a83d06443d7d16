/*
 * left_out: a journal that was brought back from a backup is told of which messages the files did
 * not come back with it. It knows of their acceptance and of no outcome, so that an audit would
 * find each of them lost; what is so is said of them once, as a person would (struct event_closed).
 *
 * Nobody else may write to the journal meanwhile; it is made to be of this poterne's schema.
 */
#ifndef POTERNE_JOURNAL_LEFT_OUT_H
#define POTERNE_JOURNAL_LEFT_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct left_out {
    /* The messages of the backup; false: there are no more. The text lives until the next call. */
    bool (*next)(void *data, struct str *id);
    /* Is the file of that message here? 1, 0; -1: err */
    int (*is_here)(void *data, struct str id, struct err *err);
    void *data;
    bool journal;     /* it was brought back; else it is the one that was here */
    int64_t since_us; /* … from a backup begun then: what came later may never have been in it */
    int64_t now_us;   /* when this is said */
    struct str why;   /* and what */
    struct str lost;  /* how an audit names what was to be delivered and is in no folder, */
    struct str held_gone; /* and what was held */
};

/*
 * Where the journal was brought back: of each message that was in the backup, or came since it was
 * begun, has no outcome and is not here, both findings are closed; and up to the newest of them
 * bounces are not missed (walk_swept()). Where it was not: none. Of those whose file is here they
 * are open again, so that one that came back later is missed as any other. All of it, or, with -1,
 * nothing. closed: how many messages.
 */
int journal_left_out(const char *folder, const struct left_out *wish, uint64_t *closed,
                     struct err *err);

#endif
