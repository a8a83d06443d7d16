/*
 * learner: what the files of poterne-learner share. One round: gather requests from all
 * connections, learn them, sync, answer in order; then what is due by the clock.
 */
#ifndef POTERNE_GATEWAY_LEARNER_LEARNER_H
#define POTERNE_GATEWAY_LEARNER_LEARNER_H

#include "base/role.h"
#include "base/witness.h"
#include "bayes/features/known.h"
#include "bayes/learn/learn.h"
#include "bayes/ledger/ledger.h"
#include "bayes/publish/publish.h"

#define CLIENTS_MAX 64  /* connections; further ones wait in the socket's line */
#define ROUND_MAX   256 /* requests of one round */

/* A request of this round and what became of it. */
struct job {
    size_t client;
    uint64_t number;
    enum learn_verb verb;
    enum learn_publish publish;
    uint64_t generation;
    uint64_t other;
    int fd; /* passed with an export or import; -1: none */
    struct ledger_item item;
    bool fresh; /* of a message that the ledger did not know */
    uint64_t *features;
    uint32_t *grams;
    char reporter[LEARN_REPORTER_MAX];
    enum learn_answer answer;
    char text[ERR_TEXT_MAX]; /* why not, or which share is used up, or a summary */
    size_t text_size;
};

struct learner {
    const struct role_env *env;
    struct ledger *ledger;
    struct watcher *watcher;
    struct known *known;      /* NULL: what own users send is not noted */
    int clients[CLIENTS_MAX]; /* -1: free */
    struct job jobs[ROUND_MAX];
    struct ledger_item items[ROUND_MAX];
    size_t n_jobs;
    uint64_t serves;    /* the model that poterned was told of */
    int64_t publish_at; /* monotonic milliseconds; 0: nothing to publish */
    int64_t expire_at;
    int holder; /* the client for which nothing changes (LEARN_HOLD); -1: none */
    int64_t held_since;
    int64_t held_until;
    struct witness witness; /* of what is old */
    struct buf message;
};

/* --- requests.c --- */

void client_read(struct learner *l, size_t client);
void client_close(struct learner *l, size_t client);
/* Does what the jobs of the round ask, and answers. */
void jobs_finish(struct learner *l);

/* --- service.c: which model serves --- */

/* A model that can't be built is no reason to stop learning: the last one serves on, and the next
 * change tries again. */
enum publish_result service_publish(struct learner *l, enum learn_publish how,
                                    struct generation *made, struct err *err);
int service_rollback(struct learner *l, uint64_t to, struct err *err);
/* Soon enough after the last change, and not for each of a thousand messages. */
void service_publish_later(struct learner *l);
/* At the start: publishes what was not yet, or what is not usable. */
void service_begin(struct learner *l, const char *folder);
/* What is due by now. */
void service_tick(struct learner *l);
/* Milliseconds until something is due; -1: nothing is. */
int service_wait(const struct learner *l);

/* While a client holds, only it is heard, and nothing is done by the clock. */
bool service_held(const struct learner *l);
/* The client holds from now on, or on; false: another does. */
bool service_hold(struct learner *l, size_t client);
/* Ends a hold of which nothing was heard any more. */
void service_hold_tick(struct learner *l);

/* Before and after the round's messages are learned. */
void service_watch_begin(struct learner *l);
void service_watch_end(struct learner *l);

#endif
