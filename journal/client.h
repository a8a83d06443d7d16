/*
 * client: sends events to the journal from a process that runs an event loop, and never blocks.
 *
 * Every event is kept until the journal says that it is committed, and sent again on a new
 * connection when the journal was away. What is kept is bounded: when it is full, the put
 * functions return 0 and the event is not taken. Who owes the event to somebody (delivery: a file
 * is unlinked only after its last event was acknowledged) tries again later; who does not (edge: a
 * refusal) lets it go: journal_client_lost() counts them, and a warning is logged. A refusal is
 * taken only into the first half, so that strangers push out nothing else.
 *
 * The loop watches the descriptor that `interest` names and calls journal_client_on_readable() and
 * _on_writable(), and journal_client_tick() about once a second (it connects again).
 */
#ifndef POTERNE_JOURNAL_CLIENT_H
#define POTERNE_JOURNAL_CLIENT_H

#include "base/err.h"
#include "journal/event.h"

#define JOURNAL_CLIENT_BYTES_DEFAULT ((size_t)64 * 1024 * 1024)

struct journal_client_hooks {
    /* From now on `fd` is to be watched for reading, and for writing too if `writing`; -1: nothing
     * is. Between two descriptors there is always a -1, told before the old one is closed.
     * False: it can't be watched; the client lets it go, and connects again later. */
    bool (*interest)(void *data, int fd, bool writing);
    /* All events up to this number are committed. May be NULL. May put new events, but must not
     * free the client. */
    void (*acked)(void *data, uint64_t number);
    void *data;
};

struct journal_client;
/* The journal need not be there yet. `bytes_max` bounds what is kept. NULL with err set. */
struct journal_client *journal_client_new(const char *socket_path, size_t bytes_max,
                                          const struct journal_client_hooks *hooks,
                                          struct err *err);
/* What was not acknowledged is gone. */
void journal_client_free(struct journal_client **client);

/* Each returns the event's number (from 1 on, rising), or 0: not taken. */
uint64_t journal_client_refused(struct journal_client *client, const struct event_refused *event);
uint64_t journal_client_message(struct journal_client *client, const struct event_message *event);
uint64_t journal_client_recipient(struct journal_client *client,
                                  const struct event_recipient *event);

uint64_t journal_client_tls(struct journal_client *client, const struct event_tls *event);
uint64_t journal_client_feedback(struct journal_client *client, const struct event_feedback *event);
uint64_t journal_client_tls_feedback(struct journal_client *client,
                                     const struct event_tls_feedback *event);
uint64_t journal_client_accepted(struct journal_client *client, const struct event_accepted *event);
uint64_t journal_client_audit(struct journal_client *client, const struct event_audit *event);
uint64_t journal_client_closed(struct journal_client *client, const struct event_closed *event);

void journal_client_on_readable(struct journal_client *client);
void journal_client_on_writable(struct journal_client *client);
void journal_client_tick(struct journal_client *client);

/* How many events wait for their acknowledgement: 0 when all that was put is committed. */
size_t journal_client_waiting(const struct journal_client *client);
uint64_t journal_client_lost(const struct journal_client *client);

#endif
