/*
 * tokens: asks, through poterne-fetch, the server of section oauth whose token it is. One that was
 * good is remembered for oauth.remember, and no longer than it says itself, by a keyed hash:
 * TOKENS_REMEMBERED at most, the one that ends first goes. What was not good is asked for again
 * each time; who sends it is counted (gate/guesses.h). Tokens are not kept here.
 */
#ifndef POTERNE_GATEWAY_EDGE_TOKENS_H
#define POTERNE_GATEWAY_EDGE_TOKENS_H

#include <event2/event.h>

#include "gateway/edge/introspection.h"

#define TOKENS_REMEMBERED 4096
#define TOKENS_MAX        8192 /* bytes of one */

struct token_answer {
    enum token_result result;
    const char *user; /* of TOKEN_GOOD */
    const char *note; /* else: for the log */
};

/* May come from within tokens_ask(); the answer lives during the call. */
typedef void tokens_answered(void *asker, const struct token_answer *answer);

struct tokens_desk;
/* NULL with err set. */
struct tokens_desk *tokens_open(struct event_base *base, const struct conf *conf,
                                tokens_answered *answered, struct err *err);
void tokens_close(struct tokens_desk **desk);
/* An asker asks one question at a time. The token may be wiped when this returns. */
void tokens_ask(struct tokens_desk *desk, void *asker, struct str token);
/* No answer comes for that asker any more. */
void tokens_cancel(struct tokens_desk *desk, const void *asker);
/* Once a second. */
void tokens_tick(struct tokens_desk *desk);

#endif
