/*
 * learn: what is asked of the learner over RUN_DIR/learner.sock, a lasting connection
 * (base/ipc.h). Requests carry a number of the client's choosing, which the reply repeats; they
 * may be sent ahead of replies and are answered in order. A reply of LEARN_REPLY_DONE or _KNOWN
 * means durable.
 * A message's features travel in the request, or, when there are more than LEARN_INLINE_MAX, in
 * one passed memory file that starts with them. They are 64-bit little-endian, rising, each once.
 * Its grams (bayes.h) always travel in the request, packed (grams_pack.h).
 */
#ifndef POTERNE_BAYES_LEARN_LEARN_H
#define POTERNE_BAYES_LEARN_LEARN_H

#include "base/ipc.h"
#include "base/wire.h"
#include "bayes/bayes.h"

#define LEARN_SOCKET     "learner"
#define LEARN_INLINE_MAX 14000

#define LEARN_REPORTER_MAX 320 /* bytes: the longest address of RFC 5321 */

enum learn_class { LEARN_HAM, LEARN_SPAM, LEARN_FORGET };

/* On whose word a message is learned. */
enum learn_kind {
    LEARN_BY_BULK = 0,     /* the administrator, on this machine: no cap for reporter or day */
    LEARN_BY_MANAGER = 1,  /* a manager's report */
    LEARN_BY_PROPOSAL = 2, /* somebody's report that a manager accepted */
    LEARN_BY_SENT = 3,     /* mail that our own users sent, or answers to it */
};

/* Where a message comes from that is learned: kept with it, and what caps count by. */
struct learn_source {
    struct str reporter; /* who said it: an address in lower case; empty: nobody in particular */
    int64_t when;        /* seconds since 1970; 0: now */
    enum learn_kind kind;
    uint64_t campaign; /* features->campaign: near-identical messages have the same; 0: none */
};

enum learn_verb {
    LEARN_MESSAGE = 1, /* class, digest, n, features, grams, source */
    LEARN_PUBLISH = 2, /* publish */
    LEARN_STATUS = 3,
    LEARN_ROLLBACK = 4, /* generation, 0: the last good one; it serves again (publish.h) */
    LEARN_EXPORT = 5,   /* into the passed file (ledger/export.h) */
    LEARN_IMPORT = 6,   /* from the passed file; the reply's text is a struct import_summary */
    LEARN_COMPARE = 7,  /* generation and other, on the held-out mail; the reply's text is a
                           struct guard_report */
    LEARN_ASK = 8,  /* class, n digests, rising: the reply's text has for each LEARN_ASK_YES when
                       learning it would change nothing, else LEARN_ASK_NO */
    LEARN_SENT = 9, /* n keys of known.h, rising, of a message that an own user sent; source.when */
    LEARN_HOLD = 10, /* change nothing until this connection closes, or asks no more (learn_hold.h);
                        done: from here on, or since the last time it was asked */
};

enum learn_publish {
    LEARN_PUBLISH_CHANGED = 0, /* if anything was learned since the last time */
    LEARN_PUBLISH_NOW = 1,     /* in any case, also soon after a rollback */
    LEARN_PUBLISH_FORCED = 2,  /* and whatever the guard says */
};

#define LEARN_HOLD_SECONDS 60  /* unless it is asked again … */
#define LEARN_HOLD_LONGEST 900 /* … the learner goes on, and closes the connection */

#define LEARN_ASK_MAX 500 /* digests of one request */
#define LEARN_ASK_YES 'y'
#define LEARN_ASK_NO  'n'

/* Their numbers travel as a message's features do. */
static inline bool learn_verb_lists(enum learn_verb verb)
{
    return verb == LEARN_MESSAGE || verb == LEARN_ASK || verb == LEARN_SENT;
}

enum learn_answer {
    LEARN_ANSWER_DONE = 0,
    LEARN_ANSWER_KNOWN = 1,   /* it was so before: nothing to change */
    LEARN_ANSWER_FAILED = 2,  /* text says why; nothing of the request was kept */
    LEARN_ANSWER_CAPPED = 3,  /* its source has taught its share: text says which; not learned */
    LEARN_ANSWER_REFUSED = 4, /* of LEARN_PUBLISH: the former model stays, text says why */
};

struct learn_request {
    uint64_t number;
    enum learn_verb verb;
    enum learn_class class;
    uint64_t digest;
    uint32_t n;          /* features; digests, keys */
    struct str features; /* as they travel: n * 8 bytes; empty when they are in the passed file */
    struct str grams;    /* packed */
    struct learn_source source;
    enum learn_publish publish;
    uint64_t generation;
    uint64_t other;
};

struct learn_reply {
    uint64_t number;
    enum learn_answer answer;
    uint64_t spam; /* messages in the ledger after it */
    uint64_t ham;
    uint64_t held;       /* held out, of both classes: not among those */
    uint64_t generation; /* the model in service */
    struct str text;     /* why not, or which share is used up, what was asked */
};

void learn_request_put(struct buf *out, const struct learn_request *request);
/* False when malformed; texts point into the message. */
bool learn_request_get(struct str message, struct learn_request *request);

void learn_reply_put(struct buf *out, const struct learn_reply *reply);
bool learn_reply_get(struct str message, struct learn_reply *reply);

/*
 * The features of a request, from the request or from fd (-1: none was passed), into a list that
 * the caller frees; checked to be rising. NULL with err when they are not what was announced.
 * For n = 0 a list of one unused element.
 */
uint64_t *learn_request_features(const struct learn_request *request, int fd, struct err *err);

/* The grams of a request, likewise; *n says how many. NULL with err when they are not rising, or
 * too many, or too large. */
uint32_t *learn_request_grams(const struct learn_request *request, size_t *n, struct err *err);

#endif
