/* journal: the connection to the journal, and what it is told. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/delivery/delivery.h"
#include "journal/client.h"

static void on_journal_readable(evutil_socket_t fd, short what, void *data)
{
    journal_client_on_readable(((struct delivery *)data)->journal);
}

static void on_journal_writable(evutil_socket_t fd, short what, void *data)
{
    journal_client_on_writable(((struct delivery *)data)->journal);
}

static void forget_events(struct delivery *delivery)
{
    if (delivery->journal_readable)
        event_free(delivery->journal_readable);
    if (delivery->journal_writable)
        event_free(delivery->journal_writable);
    delivery->journal_readable = delivery->journal_writable = NULL;
    delivery->journal_fd = -1;
}

static bool watch(struct delivery *delivery, int fd)
{
    delivery->journal_readable =
        event_new(delivery->base, fd, EV_READ | EV_PERSIST, on_journal_readable, delivery);
    delivery->journal_writable =
        event_new(delivery->base, fd, EV_WRITE | EV_PERSIST, on_journal_writable, delivery);
    delivery->journal_fd = fd;
    return delivery->journal_readable && delivery->journal_writable &&
           event_add(delivery->journal_readable, NULL) == 0;
}

static bool on_interest(void *data, int fd, bool writing)
{
    struct delivery *delivery = data;
    if (fd != delivery->journal_fd) {
        forget_events(delivery);
        if (fd >= 0 && !watch(delivery, fd))
            return false;
    }
    if (delivery->journal_writable == NULL)
        return true;
    return (writing ? event_add(delivery->journal_writable, NULL)
                    : event_del(delivery->journal_writable)) == 0;
}

static void on_acked(void *data, uint64_t number)
{
    settle_acked(data, number);
}

int journal_start(struct delivery *delivery, struct err *err)
{
    char path[PATH_MAX];
    const struct journal_client_hooks hooks = {on_interest, on_acked, delivery};
    delivery->journal_fd = -1;
    if (!ipc_path(delivery->conf->run_dir, "journal", path, sizeof path))
        return err_set(err, "%s is too long for a socket's folder: choose a shorter run_dir",
                       delivery->conf->run_dir);
    delivery->journal = journal_client_new(path, DELIVERY_JOURNAL_BYTES, &hooks, err);
    return delivery->journal ? 0 : -1;
}

void journal_stop(struct delivery *delivery)
{
    journal_client_free(&delivery->journal);
    forget_events(delivery);
}

static void note(struct job *job, uint64_t number)
{
    if (number)
        job->number = number;
    else
        job->untold = true;
}

void journal_tell_message(struct job *job)
{
    const struct spool_file *file = job->loaded->file;
    const struct envelope *e = &file->envelope;
    const struct event_message event = {.id = e->id,
                                        .time_us = e->time_us,
                                        .client_ip = e->client_ip,
                                        .client_name = e->client_name,
                                        .helo = e->helo,
                                        .sender = e->sender,
                                        .subject = e->subject,
                                        .message_id = e->message_id,
                                        .size = file->size,
                                        .verdict = e->verdict,
                                        .global = e->global,
                                        .heuristics = e->heuristics,
                                        .bayes = e->bayes,
                                        .held = e->held,
                                        .evidence = e->evidence};
    note(job, journal_client_message(job->delivery->journal, &event));
}

static void tell_recipient(struct job *job, uint32_t index, unsigned state, int64_t time_us,
                           struct str detail)
{
    const struct envelope *e = &job->loaded->file->envelope;
    const struct spool_recipient *r = &e->recipients[index];
    const struct event_recipient event = {.id = e->id,
                                          .index = index,
                                          .address = r->address,
                                          .how = r->how,
                                          .state = (enum recipient_state)state,
                                          .time_us = time_us,
                                          .relay = r->relay,
                                          .detail = detail};
    note(job, journal_client_recipient(job->delivery->journal, &event));
}

void journal_tell_recipient(struct job *job, uint32_t index)
{
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    tell_recipient(job, index, r->state, r->state_time_us, r->detail);
}

void journal_tell_order(struct job *job, uint32_t index, unsigned recipient_state, int64_t time_us,
                        struct str what)
{
    tell_recipient(job, index, recipient_state, time_us, what);
}

void journal_tell_notice(struct job *job, uint32_t index, const char *notice_id, const char *what)
{
    const struct spool_recipient *r = &job->loaded->file->envelope.recipients[index];
    char text[SPOOL_DETAIL_MAX + 1];
    snprintf(text, sizeof text, RECIPIENT_TOLD_BY "%s%s: %.*s", notice_id, what,
             STR_ARG(r->detail));
    tell_recipient(job, index, r->state, delivery_now_us(), str_of(text));
}
