#include "journal/client.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/ipc.h"
#include "base/log.h"

struct pending {
    struct pending *next;
    uint64_t number;
    size_t n;
    size_t cost; /* memory that it takes */
    char bytes[];
};

struct journal_client {
    struct journal_client_hooks hooks;
    char *path;
    int fd;
    bool writing; /* the loop was asked to watch for room */
    struct pending *first;
    struct pending *last;
    struct pending *unsent; /* the first that this connection has not had; NULL: none */
    size_t waiting;
    size_t bytes;
    size_t bytes_max;
    uint64_t number; /* of the last event taken */
    uint64_t lost;
    struct buf event; /* the event being made */
    struct buf reply;
};

/* Everything that was not acknowledged will go over the next connection. */
static void disconnect(struct journal_client *client)
{
    int old = client->fd;
    client->fd = -1;
    client->unsent = client->first;
    client->writing = false;
    client->hooks.interest(client->hooks.data, -1, false);
    close(old);
}

/* The connection may be gone then. */
static void set_interest(struct journal_client *client, bool writing)
{
    client->writing = writing;
    if (client->hooks.interest(client->hooks.data, client->fd, writing))
        return;
    log_warning("journal: its connection can't be watched; %zu events wait", client->waiting);
    disconnect(client);
}

static void send_pending(struct journal_client *client)
{
    struct err err;
    while (client->unsent && client->fd >= 0) {
        struct pending *next = client->unsent;
        int sent = ipc_send(client->fd, str_n(next->bytes, next->n), NULL, &err);
        if (sent == 0) {
            if (!client->writing)
                set_interest(client, true);
            return;
        }
        if (sent < 0) {
            log_warning("journal: %s; %zu events wait", err.text, client->waiting);
            disconnect(client);
            return;
        }
        client->unsent = next->next;
    }
    if (client->fd >= 0 && client->writing)
        set_interest(client, false);
}

static void try_connect(struct journal_client *client)
{
    struct err err;
    client->fd = ipc_connect(client->path, &err);
    if (client->fd < 0) {
        log_debug("journal: %s", err.text);
        return;
    }
    client->unsent = client->first;
    set_interest(client, false);
    send_pending(client);
}

struct journal_client *journal_client_new(const char *socket_path, size_t bytes_max,
                                          const struct journal_client_hooks *hooks, struct err *err)
{
    struct journal_client *client = calloc(1, sizeof *client);
    char *path = strdup(socket_path);
    if (client == NULL || path == NULL) {
        free(client);
        free(path);
        err_set(err, "journal: out of memory");
        return NULL;
    }
    client->hooks = *hooks;
    client->path = path;
    client->fd = -1;
    client->bytes_max = bytes_max;
    buf_init(&client->event, IPC_MSG_MAX);
    buf_init(&client->reply, IPC_MSG_MAX);
    try_connect(client);
    return client;
}

static void drop_first(struct journal_client *client)
{
    struct pending *gone = client->first;
    if (client->unsent == gone)
        client->unsent = gone->next;
    client->first = gone->next;
    if (client->first == NULL)
        client->last = NULL;
    client->waiting--;
    client->bytes -= gone->cost;
    free(gone);
}

void journal_client_free(struct journal_client **client)
{
    struct journal_client *gone = *client;
    if (gone == NULL)
        return;
    *client = NULL;
    while (gone->first)
        drop_first(gone);
    fsio_close_quiet(&gone->fd);
    buf_release(&gone->event);
    buf_release(&gone->reply);
    free(gone->path);
    free(gone);
}

/* The event made in client->event becomes one that waits. */
static struct pending *keep(struct journal_client *client, size_t bytes_max)
{
    struct str event = buf_str(&client->event);
    size_t cost = sizeof(struct pending) + event.n;
    if (!buf_ok(&client->event) || client->bytes > bytes_max || cost > bytes_max - client->bytes)
        return NULL;
    struct pending *pending = malloc(cost);
    if (pending == NULL)
        return NULL;
    *pending = (struct pending){.number = client->number + 1, .n = event.n, .cost = cost};
    memcpy(pending->bytes, event.s, event.n);
    if (client->last)
        client->last->next = pending;
    else
        client->first = pending;
    client->last = pending;
    client->waiting++;
    client->bytes += cost;
    return pending;
}

static uint64_t put_within(struct journal_client *client, size_t bytes_max)
{
    struct pending *pending = keep(client, bytes_max);
    buf_clear(&client->event);
    if (pending == NULL) {
        /* Once for each power of two: a journal that is away for long must not fill the log. */
        client->lost++;
        if ((client->lost & (client->lost - 1)) == 0)
            log_warning("journal: %zu events wait and no more%s are taken; %llu were not",
                        client->waiting, bytes_max < client->bytes_max ? " refusals" : "",
                        (unsigned long long)client->lost);
        return 0;
    }
    uint64_t number = ++client->number;
    if (client->unsent == NULL)
        client->unsent = pending;
    if (!client->writing)
        send_pending(client);
    return number;
}

static uint64_t put(struct journal_client *client)
{
    return put_within(client, client->bytes_max);
}

/* Anybody can make any number of these: they leave room for what only mail makes. */
uint64_t journal_client_refused(struct journal_client *client, const struct event_refused *event)
{
    event_refused_put(&client->event, client->number + 1, event);
    return put_within(client, client->bytes_max / 2);
}

uint64_t journal_client_message(struct journal_client *client, const struct event_message *event)
{
    event_message_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_recipient(struct journal_client *client,
                                  const struct event_recipient *event)
{
    event_recipient_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_tls(struct journal_client *client, const struct event_tls *event)
{
    event_tls_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_feedback(struct journal_client *client, const struct event_feedback *event)
{
    event_feedback_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_tls_feedback(struct journal_client *client,
                                     const struct event_tls_feedback *event)
{
    event_tls_feedback_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_accepted(struct journal_client *client, const struct event_accepted *event)
{
    event_accepted_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_audit(struct journal_client *client, const struct event_audit *event)
{
    event_audit_put(&client->event, client->number + 1, event);
    return put(client);
}

uint64_t journal_client_closed(struct journal_client *client, const struct event_closed *event)
{
    event_closed_put(&client->event, client->number + 1, event);
    return put(client);
}

/* Only what was sent over this connection can be acknowledged by it. */
static void take_ack(struct journal_client *client, uint64_t number)
{
    bool any = false;
    while (client->first && client->first != client->unsent && client->first->number <= number) {
        drop_first(client);
        any = true;
    }
    if (any && client->hooks.acked)
        client->hooks.acked(client->hooks.data, number);
}

void journal_client_on_readable(struct journal_client *client)
{
    struct err err = {""};
    while (client->fd >= 0) {
        uint64_t number;
        int got = ipc_recv(client->fd, &client->reply, NULL, &err);
        if (got == 0)
            return;
        if (got == 1 && event_ack_get(buf_str(&client->reply), &number)) {
            take_ack(client, number);
            continue;
        }
        log_warning("journal: %s; %zu events wait", got == 1 ? "malformed reply" : err.text,
                    client->waiting);
        disconnect(client);
    }
}

void journal_client_on_writable(struct journal_client *client)
{
    send_pending(client);
}

void journal_client_tick(struct journal_client *client)
{
    if (client->fd < 0)
        try_connect(client);
}

size_t journal_client_waiting(const struct journal_client *client)
{
    return client->waiting;
}

uint64_t journal_client_lost(const struct journal_client *client)
{
    return client->lost;
}
