#include "gateway/fetch/askers.h"

#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/wire.h"
#include "gateway/loop.h"

#define TURN_MESSAGES 16 /* of one, before the others have their turn */

struct asker {
    struct asker *prev, *next;
    struct askers *all;
    int fd;
    struct event readable, writable;
    struct buf unsent; /* u32 length and message, in a row */
    size_t open;
    bool gone; /* closed, and freed when nobody is at work on it */
};

struct askers {
    struct event_base *base;
    struct askers_hooks hooks;
    struct event listener, bury;
    bool draining;
    struct asker *first, *dead;
    size_t n;
    struct buf message; /* that came */
};

static void on_bury(evutil_socket_t fd, short what, void *data)
{
    struct askers *all = data;
    while (all->dead) {
        struct asker *a = all->dead;
        all->dead = a->next;
        free(a);
    }
}

/* Where the loop has no memory for it the next tick tries again. */
static void listen_with_room(struct askers *all)
{
    if (!all->draining && all->n < ASKERS_MAX)
        event_add(&all->listener, NULL);
}

static void asker_end(struct asker *a)
{
    struct askers *all = a->all;
    if (a->gone)
        return;
    a->gone = true;
    all->hooks.gone(all->hooks.data, a);
    event_del(&a->readable);
    event_del(&a->writable);
    fsio_close_quiet(&a->fd);
    buf_release(&a->unsent);
    if (a->prev)
        a->prev->next = a->next;
    else
        all->first = a->next;
    if (a->next)
        a->next->prev = a->prev;
    all->n--;
    listen_with_room(all);
    a->next = all->dead;
    all->dead = a;
    event_active(&all->bury, EV_TIMEOUT, 1);
}

void asker_cut_off(struct asker *a, const char *why)
{
    if (!a->gone)
        log_warning("one who asks is cut off: %s", why);
    asker_end(a);
}

static void keep_unsent(struct asker *a, struct str message)
{
    struct err err;
    wire_str(&a->unsent, message);
    if (!buf_ok(&a->unsent))
        asker_cut_off(a, "it does not take its answers");
    else if (loop_add(&a->writable, NULL, &err) < 0)
        asker_cut_off(a, err.text);
}

void asker_send(struct asker *a, struct str message)
{
    struct err err = {""};
    if (a->gone)
        return;
    int sent = a->unsent.n > 0 ? 0 : ipc_send(a->fd, message, NULL, &err);
    if (sent == 0)
        keep_unsent(a, message);
    else if (sent < 0)
        asker_end(a); /* it has gone */
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    struct asker *a = data;
    struct err err = {""};
    while (a->unsent.n > 0) {
        struct wire w = wire_of(buf_str(&a->unsent));
        struct str message = wire_get_str(&w);
        int sent = ipc_send(a->fd, message, NULL, &err);
        if (sent == 0 && loop_add(&a->writable, NULL, &err) == 0)
            return;
        if (sent <= 0) {
            asker_end(a);
            return;
        }
        buf_eat(&a->unsent, message.n + sizeof(uint32_t));
    }
    buf_release(&a->unsent);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    struct asker *a = data;
    struct askers *all = a->all;
    struct err err = {""};
    for (int i = 0; i < TURN_MESSAGES && !a->gone; i++) {
        int got = ipc_recv(a->fd, &all->message, NULL, &err);
        if (got == 0)
            break;
        if (got == 1)
            all->hooks.message(all->hooks.data, a, buf_str(&all->message));
        else
            asker_end(a);
        if (all->message.p) /* a token may stand in it */
            explicit_bzero(all->message.p, all->message.n);
    }
}

static void on_asker(evutil_socket_t fd, short what, void *data)
{
    struct askers *all = data;
    struct err err = {""};
    int peer = ipc_accept(fd, &err);
    if (peer < 0)
        return;
    struct asker *a = calloc(1, sizeof *a);
    if (a == NULL) {
        log_error("out of memory for one who asks");
        fsio_close_quiet(&peer);
        return;
    }
    *a = (struct asker){.all = all, .fd = peer, .next = all->first};
    buf_init(&a->unsent, ASKERS_UNSENT_MAX);
    if (all->first)
        all->first->prev = a;
    all->first = a;
    event_assign(&a->readable, all->base, peer, EV_READ | EV_PERSIST, on_readable, a);
    event_assign(&a->writable, all->base, peer, EV_WRITE, on_writable, a);
    if (++all->n == ASKERS_MAX)
        event_del(&all->listener);
    if (loop_add(&a->readable, NULL, &err) < 0)
        asker_cut_off(a, err.text);
}

struct askers *askers_open(struct event_base *base, int listen_fd, const struct askers_hooks *hooks,
                           struct err *err)
{
    struct askers *all = calloc(1, sizeof *all);
    if (all == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    *all = (struct askers){.base = base, .hooks = *hooks};
    buf_init(&all->message, IPC_MSG_MAX);
    event_assign(&all->listener, base, listen_fd, EV_READ | EV_PERSIST, on_asker, all);
    evtimer_assign(&all->bury, base, on_bury, all);
    if (loop_add(&all->listener, NULL, err) == 0)
        return all;
    askers_close(&all);
    return NULL;
}

void askers_tick(struct askers *all)
{
    listen_with_room(all);
}

void askers_drain(struct askers *all)
{
    all->draining = true;
    event_del(&all->listener);
}

void askers_end_idle(struct askers *all)
{
    struct asker *next;
    for (struct asker *a = all->first; a; a = next) {
        next = a->next;
        if (a->open == 0 && a->unsent.n == 0)
            on_readable(a->fd, EV_READ, a); /* a request may stand in its socket already */
        if (!a->gone && a->open == 0 && a->unsent.n == 0)
            asker_end(a);
    }
}

void askers_close(struct askers **askers)
{
    struct askers *all = *askers;
    *askers = NULL;
    if (all == NULL)
        return;
    askers_drain(all);
    while (all->first)
        asker_end(all->first);
    event_del(&all->bury);
    on_bury(-1, 0, all);
    buf_release(&all->message);
    free(all);
}

size_t *asker_open(struct asker *a)
{
    return &a->open;
}

size_t askers_count(const struct askers *all)
{
    return all->n;
}
