/*
 * logins: asks the directory process whether a password is right, or for a user who has logged in
 * by a token (directory/login.h), over a lasting connection of its own. Every question gets exactly
 * one answer, unless it is cancelled. Passwords are not kept here: when the directory process goes
 * away, what was asked of it is LOGIN_AWAY, and so is what has no answer after LOGINS_TIMEOUT.
 */
#ifndef POTERNE_GATEWAY_EDGE_LOGINS_H
#define POTERNE_GATEWAY_EDGE_LOGINS_H

#include <event2/event.h>

#include "directory/login.h"

#define LOGINS_TIMEOUT 10 /* seconds */

/* May come from within logins_ask(). */
typedef void logins_answered(void *asker, const struct login_answer *answer);

struct logins_desk;
struct logins_desk *logins_open(struct event_base *base, const char *run_dir,
                                logins_answered *answered, struct err *err);
void logins_close(struct logins_desk **desk);
/* An asker asks one question at a time. more: a second factor is asked. */
void logins_ask(struct logins_desk *desk, void *asker, struct str user, struct str password,
                bool more);
/* Who is that? For whom another has vouched. */
void logins_find(struct logins_desk *desk, void *asker, struct str user);
/* No answer comes for that asker any more. */
void logins_cancel(struct logins_desk *desk, const void *asker);
/* Once a second. */
void logins_tick(struct logins_desk *desk);

#endif
