/*
 * recipient: what can become of one recipient of a message that was accepted. The numbers stand in
 * files of the spool and in the journal: they never change.
 */
#ifndef POTERNE_BASE_RECIPIENT_H
#define POTERNE_BASE_RECIPIENT_H

#include <stdbool.h>

#include "base/str.h"

enum recipient_state {
    RCPT_OWED = 0,
    RCPT_DEFERRED = 1,   /* owed still; the last try failed */
    RCPT_DELIVERED = 2,  /* the next hop has said so */
    RCPT_HELD = 3,       /* in quarantine */
    RCPT_RELEASED = 4,   /* owed again, by somebody's word */
    RCPT_DELETED = 5,    /* from quarantine, by somebody's word */
    RCPT_FAILED = 6,     /* its sender is told, unless he asked not to be */
    RCPT_REDIRECTED = 7, /* it went to others, who have outcomes of their own */
    RCPT_RETURNING = 8   /* it can't be delivered, and its sender is not yet told; then FAILED */
};
#define RECIPIENT_STATES 9

/* How the text begins that stands with a state: who was told of it, by which message … */
#define RECIPIENT_TOLD_BY "its sender is told by "
/* … or that nobody was, as he wished. */
#define RECIPIENT_NOT_TOLD "its sender asked not to be told (NOTIFY): "

/* The id of the message that told him, out of that text; empty: it says of none. */
struct str recipient_told_by(struct str detail);

const char *recipient_state_name(enum recipient_state state);
/* owed, deferred, released: to be delivered */
bool recipient_state_owed(enum recipient_state state);

#endif
