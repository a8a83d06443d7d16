#include "gateway/clients.h"

#include <errno.h>
#include <poll.h>

#include "base/fsio.h"
#include "base/log.h"

#define UNSENT_MAX IPC_MSG_MAX

void clients_init(struct clients *clients)
{
    *clients = (struct clients){.message = BUF_INIT(IPC_MSG_MAX), .wake_fd = -1};
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        clients->list[i] = (struct client){.fd = -1, .unsent = BUF_INIT(UNSENT_MAX)};
}

static void client_close(struct client *client)
{
    fsio_close_quiet(&client->fd);
    client->readable = false;
    client->mark = 0;
    buf_release(&client->unsent);
}

void clients_release(struct clients *clients)
{
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        client_close(&clients->list[i]);
    buf_release(&clients->message);
}

void clients_cut_off(struct client *client, const char *why)
{
    log_warning("a client is cut off: %s", why);
    client_close(client);
}

void clients_send(struct client *client, struct str message)
{
    struct err err = {""};
    if (client->fd < 0)
        return;
    buf_clear(&client->unsent);
    int sent = ipc_send(client->fd, message, NULL, &err);
    if (sent == 1)
        return;
    if (sent == IPC_EOF) {
        client_close(client);
        return;
    }
    buf_add(&client->unsent, message);
    if (sent < 0 || !buf_ok(&client->unsent))
        clients_cut_off(client, sent < 0 ? err.text : "no memory for its reply");
}

int clients_receive(struct clients *clients, struct client *client)
{
    struct err err = {""};
    if (client->fd < 0)
        return 0;
    int got = ipc_recv(client->fd, &clients->message, NULL, &err);
    if (got == IPC_EOF)
        client_close(client);
    else if (got < 0)
        clients_cut_off(client, err.text);
    return got == 1;
}

static void accept_all(struct clients *clients, int service_fd)
{
    struct err err;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (clients->list[i].fd >= 0)
            continue;
        int fd = ipc_accept(service_fd, &err);
        if (fd < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            log_warning("%s", err.text);
        if (fd < 0)
            return;
        clients->list[i].fd = fd;
    }
}

static void send_unsent(struct client *client)
{
    struct buf kept = client->unsent;
    client->unsent = BUF_INIT(UNSENT_MAX);
    clients_send(client, buf_str(&kept));
    buf_release(&kept);
}

int clients_wait(struct clients *clients, const struct role_env *env, bool reading, int timeout_ms,
                 struct err *err)
{
    struct pollfd p[3 + CLIENTS_MAX] = {{.fd = env->ctl_fd, .events = POLLIN}};
    bool full = true;
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct client *client = &clients->list[i];
        short events = (short)((reading ? POLLIN : 0) | (client->unsent.n ? POLLOUT : 0));
        p[3 + i] = (struct pollfd){.fd = client->fd, .events = events};
        full &= client->fd >= 0;
    }
    p[1] = (struct pollfd){.fd = full ? -1 : env->service_fd, .events = POLLIN};
    p[2] = (struct pollfd){.fd = clients->wake_fd, .events = POLLIN};
    int n = poll(p, 3 + CLIENTS_MAX, timeout_ms);
    if (n < 0 && errno != EINTR)
        return err_sys(err, "cannot wait for requests");
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        struct client *client = &clients->list[i];
        short what = n > 0 ? p[3 + i].revents : 0;
        if (what && client->unsent.n)
            send_unsent(client);
        client->readable = client->fd >= 0 && (what & ~POLLOUT);
    }
    if (n > 0 && p[1].revents)
        accept_all(clients, env->service_fd);
    return n > 0 && p[0].revents ? 0 : 1;
}
