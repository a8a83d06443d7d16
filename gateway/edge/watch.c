#include "gateway/edge/watch.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>

struct watch {
    struct event_base *base;
    void (*readable)(void *data);
    void (*writable)(void *data);
    void *data;
    int fd;
    struct event on_read, on_write;
};

struct watch *watch_new(struct event_base *base, void (*readable)(void *data),
                        void (*writable)(void *data), void *data)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w)
        *w = (struct watch){
            .base = base, .readable = readable, .writable = writable, .data = data, .fd = -1};
    return w;
}

void watch_free(struct watch **watch)
{
    if (*watch == NULL)
        return;
    watch_set(*watch, -1, false);
    free(*watch);
    *watch = NULL;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    const struct watch *w = data;
    w->readable(w->data);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    const struct watch *w = data;
    w->writable(w->data);
}

bool watch_set(struct watch *w, int fd, bool writing)
{
    int noted = 0;
    if (fd != w->fd && w->fd >= 0) {
        event_del(&w->on_read);
        event_del(&w->on_write);
    }
    if (fd != w->fd && fd >= 0) {
        event_assign(&w->on_read, w->base, fd, EV_READ | EV_PERSIST, on_readable, w);
        event_assign(&w->on_write, w->base, fd, EV_WRITE | EV_PERSIST, on_writable, w);
        noted = event_add(&w->on_read, NULL);
    }
    w->fd = fd;
    if (fd >= 0 && writing && noted == 0)
        noted = event_add(&w->on_write, NULL);
    else if (fd >= 0)
        event_del(&w->on_write);
    return noted == 0;
}
