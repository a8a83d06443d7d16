/* A journal that keeps what it is told in memory and acknowledges everything at once. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/ipc.h"
#include "t/delivery/fake.h"

#define EVENTS_MAX  100000
#define CLIENTS_MAX 8

static void keep(struct fake_journal *journal, const struct event *event)
{
    pthread_mutex_lock(&journal->lock);
    size_t i = journal->n;
    if (i < EVENTS_MAX) {
        bool message = event->kind == EVENT_MESSAGE;
        struct str id = message ? event->message.id : event->recipient.id;
        struct str detail = message ? event->message.held : event->recipient.detail;
        str_copy(id, journal->events[i].id, sizeof journal->events[i].id);
        str_copy(str_sub(detail, 0, 255), journal->events[i].detail,
                 sizeof journal->events[i].detail);
        journal->events[i].message = message;
        journal->events[i].index = message ? 0 : event->recipient.index;
        journal->events[i].state = message ? RCPT_OWED : event->recipient.state;
        journal->n++;
    }
    pthread_mutex_unlock(&journal->lock);
}

/* False: the client has gone. */
static bool hear(struct fake_journal *journal, int fd, struct buf *message)
{
    struct err err;
    struct event event;
    struct buf ack = BUF_INIT(100);
    uint64_t number = 0;
    int got;
    while ((got = ipc_recv(fd, message, NULL, &err)) == 1) {
        if (!event_get(buf_str(message), &event))
            abort();
        keep(journal, &event);
        number = event.number;
    }
    if (number) {
        event_ack_put(&ack, number);
        ipc_send(fd, buf_str(&ack), NULL, &err);
        buf_release(&ack);
    }
    return got == 0;
}

static void *listen_to_all(void *data)
{
    struct fake_journal *journal = data;
    struct err err;
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct pollfd fds[1 + CLIENTS_MAX];
    nfds_t n = 1;
    fds[0] = (struct pollfd){.fd = ipc_listen(journal->path, 0666, &err), .events = POLLIN};
    while (!journal->stopping) {
        poll(fds, n, 20);
        for (nfds_t i = n; i-- > 1;)
            if (fds[i].revents && !hear(journal, fds[i].fd, &message)) {
                close(fds[i].fd);
                fds[i] = fds[--n];
            }
        int fd = fds[0].revents && n <= CLIENTS_MAX ? ipc_accept(fds[0].fd, &err) : -1;
        if (fd >= 0)
            fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    unlink(journal->path);
    while (n)
        close(fds[--n].fd);
    buf_release(&message);
    return NULL;
}

void fake_journal_start(struct fake_journal *journal, const char *run_dir)
{
    if (journal->events == NULL) {
        journal->events = calloc(EVENTS_MAX, sizeof *journal->events);
        pthread_mutex_init(&journal->lock, NULL);
    }
    ipc_path(run_dir, "journal", journal->path, sizeof journal->path);
    journal->stopping = false;
    journal->running = true;
    pthread_create(&journal->thread, NULL, listen_to_all, journal);
}

void fake_journal_stop(struct fake_journal *journal)
{
    if (!journal->running)
        return;
    journal->stopping = true;
    journal->running = false;
    pthread_join(journal->thread, NULL);
}

int fake_journal_state(struct fake_journal *journal, const char *id, uint32_t index, char *detail,
                       size_t size)
{
    int state = -1;
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->n; i++) {
        if (journal->events[i].message || journal->events[i].index != index ||
            strcmp(journal->events[i].id, id) != 0)
            continue;
        state = (int)journal->events[i].state;
        if (detail)
            snprintf(detail, size, "%s", journal->events[i].detail);
    }
    pthread_mutex_unlock(&journal->lock);
    return state;
}

bool fake_journal_knows(struct fake_journal *journal, const char *id)
{
    bool known = false;
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->n && !known; i++)
        known = journal->events[i].message && strcmp(journal->events[i].id, id) == 0;
    pthread_mutex_unlock(&journal->lock);
    return known;
}
