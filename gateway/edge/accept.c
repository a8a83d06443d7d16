/* Listeners: who may come in. */
#include "gateway/edge/edge.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"

#define ACCEPTS_A_TURN 64

static void listen_to_all(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_listeners; i++)
        event_add(&edge->listeners[i], NULL);
}

static void listen_to_none(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_listeners; i++)
        event_del(&edge->listeners[i]);
}

static void out_of_descriptors(struct edge *edge)
{
    log_error("no new session: %s (%zu are open; raise the limit of open files or lower "
              "smtp.sessions_limit)",
              strerror(errno), edge->n_sessions);
    edge->deaf = true;
    listen_to_none(edge);
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

static void on_connection(evutil_socket_t listener, short what, void *data)
{
    struct edge *edge = data;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
        socklen_t n = sizeof address;
        int fd = accept4(listener, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
                out_of_descriptors(edge);
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
    listen_to_all(edge);
    return edge->n_listeners ? 0 : err_set(err, "no listening socket was given");
}

void accept_stop(struct edge *edge)
{
    listen_to_none(edge);
    edge->n_listeners = 0;
}

void accept_tick(struct edge *edge)
{
    if (!edge->deaf)
        return;
    edge->deaf = false;
    listen_to_all(edge);
}
