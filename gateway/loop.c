#include "gateway/loop.h"

#include <event2/event.h>

int loop_add(struct event *event, const struct timeval *time, struct err *err)
{
    return event_add(event, time) == 0
               ? 0
               : err_set(err,
                         "the event loop has no memory, or the kernel no room, to wait for it");
}

void loop_wait(struct event *event, const struct timeval *time)
{
    if (event_add(event, time) < 0)
        event_active(event, EV_TIMEOUT, 1);
}
