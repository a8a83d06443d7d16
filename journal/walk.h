/*
 * walk: all messages of the journal one after the other, in the order of their ids, each with its
 * acceptance, its recipients and what happened to them. Beside the writer, read-only.
 *
 * Four cursors over primary keys go side by side, so that memory is one message's, whatever the
 * journal holds. What one step gives is of one snapshot; every WALK_SNAPSHOT messages it is a new
 * one, since the writer's log can't be reset under an old one.
 */
#ifndef POTERNE_JOURNAL_WALK_H
#define POTERNE_JOURNAL_WALK_H

#include "base/err.h"
#include "base/pool.h"
#include "base/recipient.h"

#define WALK_SNAPSHOT   20000 /* messages */
#define WALK_DETAIL_MAX 200   /* characters of an answer or reason; more is cut off */
#define WALK_ID_MAX     255   /* bytes */

struct walk_recipient {
    uint32_t index;
    struct str address;
    enum recipient_state state; /* what counts */
    int64_t time_us;
};

struct walk_outcome {
    uint32_t index;
    int64_t time_us;
    enum recipient_state state; /* never deferred: those are left out */
    struct str relay, detail;
};

struct walk_message {
    struct str id;
    bool accepted; /* who said 250 told of it (journal/event.h); the next five are from there */
    int64_t accepted_us;
    struct str sender;
    uint32_t n_accepted;
    struct str addresses; /* LF between them; as many as fitted */
    bool accepted_held;
    bool told;                         /* delivery told of it */
    struct walk_recipient *recipients; /* by index */
    size_t n_recipients;
    struct walk_outcome *outcomes; /* by index, then time */
    size_t n_outcomes;
};

struct walk;
/* Without `outcomes` there are none. NULL with err set. */
struct walk *walk_open(const char *state_dir, bool outcomes, struct err *err);
void walk_close(struct walk **walk);

/* From here on the ids from `from` up to `before`, which is not among them; of both the beginning
 * is enough. They must live until the end. */
int walk_begin(struct walk *walk, struct str from, struct str before, struct err *err);
/* It reads no more until walk_begin(); by itself at the end. */
void walk_end(struct walk *walk);
/* The next one, its texts in pool: 1; 0: there is none; -1. */
int walk_next(struct walk *walk, struct pool *pool, struct walk_message *message, struct err *err);
/* How many messages there are from `from` up to `before`; counts an index through. */
int walk_count(struct walk *walk, struct str from, struct str before, uint64_t *n, struct err *err);
/* Does the journal know anything of a message with that id? -1: err */
int walk_knows(struct walk *walk, struct str id, struct err *err);
/* Up to this id (its beginning may be all there is), in pool, messages may have been forgotten
 * (journal/sweep.c) while others of the same time are still there: what the journal doesn't know
 * proves nothing. */
int walk_swept(struct walk *walk, struct pool *pool, struct str *id, struct err *err);
/* What somebody said of such a finding (struct event_closed), in pool: 1; 0: nothing was; -1 */
int walk_closed(struct walk *walk, struct str id, struct str finding, struct pool *pool,
                struct str *why, struct err *err);

#endif
