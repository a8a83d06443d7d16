/*
 * learn_client: teaching, for command-line tools. It speaks to the learner when one is running
 * (RUN_DIR/learner.sock) and opens the ledger itself when none is; both look the same from here.
 * Messages are sent ahead and answered in groups, so that a thousand cost a few fsyncs:
 *
 *   client = learn_client_open(conf, report, data, &err);
 *   learn_client_add(client, LEARN_SPAM, &features, &source, number, &err);
 *                                                                   … report(data, number, …)
 *   learn_client_finish(client, true, &summary, &err);
 *   learn_client_close(&client);
 *
 * Not for use by several threads. Whoever opens the ledger as root works in it as its owner, so
 * that the learner can open it afterwards.
 */
#ifndef POTERNE_BAYES_LEARN_LEARN_CLIENT_H
#define POTERNE_BAYES_LEARN_LEARN_CLIENT_H

#include "base/conf.h"
#include "bayes/learn/learn.h"

struct learn_client;
struct ledger;

/* Called once for each added message, in order, from within add or finish. `text` says why it
 * failed, or which share is used up (LEARN_ANSWER_CAPPED); NULL otherwise. */
typedef void learn_report(void *data, uint64_t number, enum learn_answer answer, const char *text);

struct learn_client *learn_client_open(const struct conf *conf, learn_report *report, void *data,
                                       struct err *err);
void learn_client_close(struct learn_client **client);

/* Is a running learner at the other end? */
bool learn_client_remote(const struct learn_client *client);

/* `number` is the caller's own; source NULL: bulk, nobody in particular, now. -1: the learner has
 * gone, or the ledger is broken: messages not reported yet may or may not have been learned;
 * learning them again is safe. */
int learn_client_add(struct learn_client *client, enum learn_class class,
                     const struct features *features, const struct learn_source *source,
                     uint64_t number, struct err *err);

struct learn_summary {
    uint64_t spam; /* messages in the ledger */
    uint64_t ham;
    uint64_t generation; /* the model in service */
    uint64_t held;       /* messages held out, of both classes */
    char refused[480];   /* why a new model that was asked for is not in service; "": it is */
};

/* Waits until all that was added is durable and reported; with `publish` also builds the model
 * now instead of bayes.publish_delay later (without a learner nobody else would). */
int learn_client_finish(struct learn_client *client, bool publish, struct learn_summary *summary,
                        struct err *err);

/* --- for learn_orders.c: what is asked beside teaching; nothing may be pending --- */

/* Asks the learner. fd goes with the request, -1: none. reply->text lives until the next call. */
int learn_client_ask(struct learn_client *client, const struct learn_request *request, int fd,
                     struct learn_reply *reply, struct err *err);
/* Without a learner: in the name of the ledger's owner. Its result, or -1. */
typedef int learn_work(struct ledger *ledger, void *data, struct err *err);
int learn_client_work(struct learn_client *client, learn_work *work, void *data, struct err *err);
/* As after learn_client_finish(). */
struct learn_summary learn_client_summary(const struct learn_client *client);

#endif
