#include "gateway/drain.h"

#include "base/clock.h"

#define LOOK_MS 200

struct drain {
    struct event_base *base;
    const struct drain_hooks *hooks;
    int64_t end; /* seconds; 0: not draining */
};

static void look_whether_done(evutil_socket_t fd, short what, void *data)
{
    const struct drain *d = data;
    if (d->end && (!d->hooks->busy(d->hooks->data) || clock_seconds() > d->end))
        event_base_loopbreak(d->base);
}

static void on_ctl(evutil_socket_t fd, short what, void *data)
{
    struct drain *d = data;
    if (d->end)
        return;
    d->end = clock_seconds() + DRAIN_TIME;
    d->hooks->begin(d->hooks->data);
    look_whether_done(-1, 0, d);
}

int drain_serve(struct event_base *base, int ctl_fd, const struct drain_hooks *hooks,
                struct err *err)
{
    const struct timeval now_and_then = {.tv_usec = LOOK_MS * 1000};
    struct drain d = {.base = base, .hooks = hooks};
    struct event *ctl = event_new(base, ctl_fd, EV_READ, on_ctl, &d);
    struct event *tick = event_new(base, -1, EV_PERSIST, look_whether_done, &d);
    int result = -1;
    if (ctl == NULL || tick == NULL || event_add(ctl, NULL) < 0 ||
        event_add(tick, &now_and_then) < 0)
        err_set(err, "out of memory");
    else if (event_base_dispatch(base) < 0)
        err_sys(err, "the event loop failed");
    else
        result = 0;
    if (ctl)
        event_free(ctl);
    if (tick)
        event_free(tick);
    return result;
}
