/* Listeners: who may come in. */
#include "gateway/edge/edge.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "gateway/loop.h"

#define ACCEPTS_A_TURN 64

static int listen_to_all(struct edge *edge, struct err *err)
{
    int result = 0;
    for (size_t i = 0; i < edge->n_listeners; i++)
        result |= loop_add(&edge->listeners[i], NULL, err);
    return result;
}

static void listen_to_none(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_listeners; i++)
        event_del(&edge->listeners[i]);
}

/* poterned opens them in that order. */
static enum listener_kind kind_of(const struct edge *edge, int listener)
{
    const struct conf *conf = edge->conf;
    size_t i = 0;
    while (i < edge->n_listeners && edge->env->listen_fds[i] != listener)
        i++;
    if (i < conf->smtp.listen.n)
        return LISTEN_SMTP;
    return i - conf->smtp.listen.n < conf->submission.listen.n ? LISTEN_SUBMISSION
                                                               : LISTEN_SUBMISSIONS;
}

/* Who can't be served is told so, by means of a descriptor that is kept for that. 1: done, 0:
 * nobody is there, -1: it was not there, or the memory is gone. */
static int turn_away(struct edge *edge, int listener)
{
    static const char reply[] = "421 4.3.2 Too many connections; try again later\r\n";
    if (edge->spare_fd < 0)
        return -1;
    fsio_close_quiet(&edge->spare_fd);
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int turned = fd >= 0 ? 1 : errno == EAGAIN || errno == ECONNABORTED ? 0 : -1;
    if (fd >= 0 && kind_of(edge, listener) != LISTEN_SUBMISSIONS &&
        send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) > 0)
        shutdown(fd, SHUT_WR);
    fsio_close_quiet(&fd);
    edge->spare_fd = dup(edge->incoming_fd);
    return turned;
}

/* True: there may be more to turn away. Where that can't be done nobody listens until the next
 * tick: a listener that is not served is told of without end. */
static bool out_of_descriptors(struct edge *edge, int listener)
{
    bool files = errno == EMFILE || errno == ENFILE;
    const char *why = strerror(errno);
    int turned = files ? turn_away(edge, listener) : -1;
    if (turned == 0)
        return false;
    if (edge->turned_away++ == 0)
        log_error("no new session: %s (%zu are open; raise the limit of open files or lower "
                  "smtp.sessions_limit)",
                  why, edge->n_sessions);
    if (turned > 0)
        return true;
    edge->deaf = true;
    listen_to_none(edge);
    return false;
}

static void on_connection(evutil_socket_t listener, short what, void *data)
{
    struct edge *edge = data;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t n = sizeof address;
        int fd = accept4(listener, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            bool none = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
            if (none && out_of_descriptors(edge, listener))
                continue;
            return; /* nobody there (any more) */
        }
        bool full = edge->n_sessions >= edge->sessions_max;
        session_open(edge, fd, &address, kind_of(edge, listener),
                     full ? SMTP_TOO_MANY_SESSIONS : SMTP_NONE);
    }
}

int accept_start(struct edge *edge, struct err *err)
{
    edge->n_listeners = edge->env->n_listen;
    for (size_t i = 0; i < edge->n_listeners; i++)
        event_assign(&edge->listeners[i], edge->base, edge->env->listen_fds[i],
                     EV_READ | EV_PERSIST, on_connection, edge);
    edge->spare_fd = dup(edge->incoming_fd);
    return edge->n_listeners ? listen_to_all(edge, err)
                             : err_set(err, "no listening socket was given");
}

void accept_stop(struct edge *edge)
{
    listen_to_none(edge);
    /* poterned and the next edge have their own; where poterned was killed the port is free */
    for (size_t i = 0; i < edge->n_listeners; i++)
        close(edge->env->listen_fds[i]);
    edge->n_listeners = 0;
}

void accept_tick(struct edge *edge)
{
    if (edge->turned_away > 1)
        log_error("%u connections were turned away", edge->turned_away);
    edge->turned_away = 0;
    if (edge->spare_fd < 0)
        edge->spare_fd = dup(edge->incoming_fd);
    if (!edge->deaf)
        return;
    struct err err;
    edge->deaf = listen_to_all(edge, &err) < 0;
}
