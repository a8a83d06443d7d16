/*
 * ask: what tools ask of the process `reports` on its service socket (RUN_DIR/reports.sock, one
 * message and its answer): to decide about proposals. Looking needs nobody (store.h). Its verbs are
 * apart from those by which delivery hands over mail, so that both share the socket.
 *
 *   u8 verb, str decider, str why, u8 groups, u64 up_to, str reporter, u32 n, n × (u64, u64)
 *   answer: u8 stage, u64 n, at, changed, same, late, missing, str text
 *
 * and, to send aggregate reports about a day without waiting for their hour (the same answer,
 * once): u8 ASK_SEND, i64 day since 1970
 *
 * About many it answers "under way" first: then the decision is kept and will be carried out,
 * whatever becomes of either side. More such answers tell how far it is; the last says "done".
 */
#ifndef POTERNE_REPORTS_ASK_H
#define POTERNE_REPORTS_ASK_H

#include "base/wire.h"
#include "reports/store.h"

#define ASK_SOCKET     "reports"
#define ASK_RANGES_MAX 1000
#define ASK_TIMEOUT_MS 120000 /* for each answer */

enum ask_verb { ASK_ACCEPT = 64, ASK_REJECT = 65, ASK_SEND = 66 };

struct ask {
    enum ask_verb verb;
    struct str decider, why;
    struct proposal_choice choice;
    struct proposal_range ranges[ASK_RANGES_MAX]; /* what choice points to after ask_get() */
};

enum ask_stage { ASK_FAILED, ASK_UNDER_WAY, ASK_DONE };

struct ask_reply {
    enum ask_stage stage;
    uint64_t n, at; /* proposals that it is about, and those that are behind */
    struct proposal_decided decided;
    struct str text; /* why not */
};

/* Is this message one of these verbs? */
bool ask_is(struct str message);
void ask_put(struct buf *out, const struct ask *ask);
/* False when malformed. Texts point into the message. */
bool ask_get(struct str message, struct ask *ask);
void ask_reply_put(struct buf *out, const struct ask_reply *reply);
bool ask_reply_get(struct str message, struct ask_reply *reply);

/* The process's side: does what a message asks, or keeps it as an order that is to be carried out
 * (order.h; 0: none), and writes the answer; false when malformed (cut the client off). After it
 * something may be due to be learned. */
bool ask_serve(struct proposals *store, struct str message, int64_t now_us, struct buf *out,
               uint64_t *order);

/* Is it ASK_SEND? */
bool ask_send_get(struct str message, int64_t *day);
/* The tool's side: 1 it will be done; 0: there is no such process; -1 with err. */
int ask_send(const char *run_dir, int64_t day, struct err *err);

/* Told how far it is. */
typedef void ask_progress(void *data, uint64_t at, uint64_t n);

/* The tool's side; progress may be NULL. 1 done; 0: there is no such process (do it yourself); -1
 * with err, which says so when the decision is kept all the same. */
int ask_call(const char *run_dir, const struct ask *ask, ask_progress *progress, void *data,
             struct proposal_decided *decided, struct err *err);

#endif
