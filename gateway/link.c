#include "gateway/link.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/wire.h"
#include "gateway/loop.h"

#define PATH_SIZE 128

struct link {
    struct event_base *base;
    const char *name;
    char path[PATH_SIZE];
    struct link_hooks hooks;
    char hello[LINK_HELLO_MAX]; /* hooks.hello */
    int fd;                     /* -1: down */
    struct event readable, writable;
    struct event retry; /* pending: broken a moment ago */
    struct buf waiting; /* u32 length and message, in a row */
    struct buf incoming;
    unsigned pause; /* seconds until the next try, after that which is under way */
    unsigned left;
};

static void link_down(struct link *l, const char *why);

static void read_all(struct link *l)
{
    struct err err = {""};
    while (l->fd >= 0) {
        int got = ipc_recv(l->fd, &l->incoming, NULL, &err);
        if (got == 0)
            return;
        if (got != 1)
            link_down(l, got == IPC_EOF ? "closed by the other side" : err.text);
        else if (l->hooks.message)
            l->hooks.message(l->hooks.data, buf_str(&l->incoming));
    }
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    read_all(data);
}

/* A password may stand in it (edge/logins.h). */
static void forget_waiting(struct link *l)
{
    if (l->waiting.p)
        explicit_bzero(l->waiting.p, l->waiting.cap);
    buf_release(&l->waiting);
}

/* Where it would grow, by hand: realloc() would leave it where it stood. */
static void make_room(struct link *l, size_t n)
{
    if (l->waiting.cap - l->waiting.n > n)
        return;
    struct buf larger = BUF_INIT(l->waiting.max);
    buf_room(&larger, l->waiting.n + n);
    buf_add(&larger, buf_str(&l->waiting));
    if (buf_ok(&larger)) {
        forget_waiting(l);
        l->waiting = larger;
    } else {
        buf_release(&larger); /* empty: there was no memory */
    }
}

/* Takes the first of those that wait; they stay until they are sent. */
static bool first_waiting(const struct link *l, struct str *message)
{
    struct wire w = wire_of(buf_str(&l->waiting));
    *message = wire_get_str(&w);
    return !w.bad;
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    struct link *l = data;
    struct err err = {""};
    struct str message;
    while (first_waiting(l, &message)) {
        int sent = ipc_send(l->fd, message, NULL, &err);
        if (sent == 0 && loop_add(&l->writable, NULL, &err) == 0)
            return;
        if (sent <= 0) {
            link_down(l, err.text);
            return;
        }
        buf_eat(&l->waiting, message.n + sizeof(uint32_t));
    }
    forget_waiting(l);
}

static bool say_hello(struct link *l, struct err *err)
{
    if (l->hooks.hello.n > 0 && ipc_send(l->fd, l->hooks.hello, NULL, err) != 1)
        return false;
    event_assign(&l->readable, l->base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
    event_assign(&l->writable, l->base, l->fd, EV_WRITE, on_writable, l);
    return loop_add(&l->readable, NULL, err) == 0;
}

static bool try_connect(struct link *l)
{
    struct err err = {""};
    l->fd = ipc_connect(l->path, &err);
    if (l->fd >= 0 && say_hello(l, &err))
        return true;
    fsio_close_quiet(&l->fd);
    log_debug("%s: %s", l->name, err.text);
    l->left = l->pause;
    l->pause = l->pause * 2 > LINK_RETRY_MAX ? LINK_RETRY_MAX : l->pause * 2;
    return false;
}

static void disconnect(struct link *l)
{
    if (l->fd < 0)
        return;
    event_del(&l->readable);
    event_del(&l->writable);
    fsio_close_quiet(&l->fd);
    forget_waiting(l);
}

/* The hooks are called from the loop and not from here, which may stand within link_send(). */
static void link_down(struct link *l, const char *why)
{
    log_info("%s: connection lost: %s", l->name, why);
    disconnect(l);
    event_active(&l->retry, EV_TIMEOUT, 1);
}

static void on_retry(evutil_socket_t fd, short what, void *data)
{
    struct link *l = data;
    void (*hook)(void *) = try_connect(l) ? l->hooks.again : l->hooks.gone;
    if (hook)
        hook(l->hooks.data);
}

struct link *link_new(struct event_base *base, const char *run_dir, const char *name,
                      size_t waiting_max, const struct link_hooks *hooks, struct err *err)
{
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    *l = (struct link){.base = base, .name = name, .fd = -1, .pause = LINK_RETRY_FIRST};
    l->hooks = *hooks;
    l->hooks.hello = str_sub(hooks->hello, 0, sizeof l->hello);
    if (l->hooks.hello.n > 0)
        l->hooks.hello.s = memcpy(l->hello, hooks->hello.s, l->hooks.hello.n);
    buf_init(&l->waiting, waiting_max);
    buf_init(&l->incoming, IPC_MSG_MAX);
    if (!ipc_path(run_dir, name, l->path, sizeof l->path)) {
        err_set(err, "run_dir %s is too long for a socket's path", run_dir);
        free(l);
        return NULL;
    }
    evtimer_assign(&l->retry, base, on_retry, l);
    try_connect(l);
    return l;
}

void link_free(struct link **link)
{
    struct link *l = *link;
    if (l == NULL)
        return;
    event_del(&l->retry);
    disconnect(l);
    forget_waiting(l);
    buf_release(&l->incoming);
    free(l);
    *link = NULL;
}

static enum link_sent wait_in_line(struct link *l, struct str message)
{
    if (l->waiting.max - l->waiting.n < message.n + sizeof(uint32_t))
        return LINK_FULL;
    struct err err;
    size_t before = l->waiting.n;
    make_room(l, message.n + sizeof(uint32_t));
    wire_str(&l->waiting, message);
    if (!buf_ok(&l->waiting)) { /* out of memory: half a message must not be sent */
        buf_cut(&l->waiting, before);
        l->waiting.failed = false;
        return LINK_FULL;
    }
    if (loop_add(&l->writable, NULL, &err) == 0)
        return LINK_SENT;
    link_down(l, err.text);
    return LINK_BROKE;
}

enum link_sent link_send(struct link *l, struct str message)
{
    struct err err = {""};
    if (l->fd < 0)
        return event_pending(&l->retry, EV_TIMEOUT, NULL) ? LINK_BROKE : LINK_AWAY;
    if (l->waiting.n > 0)
        return wait_in_line(l, message);
    int sent = ipc_send(l->fd, message, NULL, &err);
    if (sent == 0)
        return wait_in_line(l, message);
    if (sent == 1)
        return LINK_SENT;
    link_down(l, err.text);
    return LINK_BROKE;
}

void link_tick(struct link *l)
{
    if (l->fd >= 0)
        l->pause = LINK_RETRY_FIRST;
    else if (l->left > 0 && --l->left == 0)
        try_connect(l);
}
