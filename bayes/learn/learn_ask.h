/*
 * learn_ask: what who teaches much asks and tells beside: which messages are known already, and
 * what own users sent (known.h). As all of learn_client.h it goes to the running learner, or is
 * done here where none runs; what was added before is learned and reported first.
 */
#ifndef POTERNE_BAYES_LEARN_LEARN_ASK_H
#define POTERNE_BAYES_LEARN_LEARN_ASK_H

#include "bayes/features/known.h"
#include "bayes/learn/learn_client.h"

/* Of digests (rising, each once) those for which learning would change nothing: answers[i] is
 * LEARN_ASK_YES. */
int learn_ask(struct learn_client *client, enum learn_class class, const uint64_t *digests,
              size_t n, char *answers, struct err *err);

/* The table to make keys with, for the next two; the caller closes it. NULL where there is none:
 * a learner makes it when it starts. */
int learn_known_open(struct learn_client *client, const struct conf *conf, struct known **known,
                     struct err *err);
/* The keys of a message sent at `when` (seconds since 1970). LEARN_ANSWER_DONE: one is new. */
int learn_sent(struct learn_client *client, struct known *known, const struct known_keys *keys,
               int64_t when, enum learn_answer *answer, struct err *err);

#endif
