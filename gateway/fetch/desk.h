/*
 * desk: requests of an event loop to poterne-fetch (protocol.h), over one lasting connection.
 * Every request that was taken gets exactly one answer, unless it is cancelled, and from the loop;
 * where the process goes away, or says nothing for FETCH_GRACE_MS beyond the request's time, it is
 * FETCH_AWAY. Nothing is tried again here.
 */
#ifndef POTERNE_GATEWAY_FETCH_DESK_H
#define POTERNE_GATEWAY_FETCH_DESK_H

#include <event2/event.h>

#include "gateway/fetch/protocol.h"

#define FETCH_DESK_OPEN_MAX 128

/* The answer lives during the call. */
typedef void fetch_answered(void *asker, const struct fetch_answer *answer);

struct fetch_desk;
/* NULL with err set. */
struct fetch_desk *fetch_desk_open(struct event_base *base, const char *run_dir, struct err *err);
void fetch_desk_close(struct fetch_desk **desk);
/* False: it can't be asked now, and there is no answer. The number is the desk's to say. What was
 * asked may be secret: no copy of it is kept here. */
bool fetch_desk_ask(struct fetch_desk *desk, const struct fetch_request *request,
                    fetch_answered *answered, void *asker);
/* No answer comes for that asker any more. */
void fetch_desk_cancel(struct fetch_desk *desk, const void *asker);
/* Once a second. */
void fetch_desk_tick(struct fetch_desk *desk);

#endif
