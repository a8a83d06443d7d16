/*
 * client: asks the resolver over a connection (protocol.h): a source of answers for who judges a
 * message. It needs no socket and no path of its own: who opened the connection has said what may
 * be asked over it.
 *
 * What the resolver knows is there at once. It waits for nothing else: such questions are put off,
 * and so is whatever is asked after them. Who judges the message stops then; who gave it to him
 * waits for the answers, and has it judged again with them (gateway/scan.h). All that comes from
 * one message's state is asked together so, by whatever check, and no process is held by a slow
 * server.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_CLIENT_H
#define POTERNE_GATEWAY_RESOLVER_CLIENT_H

#include "gateway/resolver/known.h"

/* So long an answer out of the resolver's memory may take. */
#define RESOLVER_QUICK_MS 1
/* What an answer may be late beyond the budget's time: then the resolver is taken for gone. */
#define RESOLVER_GRACE_MS 1000
/* Bytes of what is new, in an answer to who waits. */
#define RESOLVER_NEW_MAX (IPC_MSG_MAX - 1024)

struct resolver_client {
    int fd;                    /* not its own */
    const struct known *known; /* from earlier times; NULL: nothing */
    uint32_t number;           /* of the last question */
    bool broken;               /* nothing more is asked */
    bool put_off;              /* the message is to be judged again */
    size_t open;               /* answers that will come to who waits */
    struct buf fresh;          /* what was asked and answered this time, as known.h says */
    struct buf message;
};

/* known: NULL, or what known_read() made; it must stay. No memory is taken until it is asked. */
void resolver_client_init(struct resolver_client *client, int fd, const struct known *known);
/* Every query has its answer, or DNS_TEMP_FAILED, within RESOLVER_GRACE_MS. */
struct dns_source resolver_client_source(struct resolver_client *client);
void resolver_client_release(struct resolver_client *client);

/* A connection to the resolver, its first message said; -1 with err. */
int resolver_connect(const char *run_dir, const struct resolver_budget *budget, struct err *err);
/* What the resolver says of itself. */
int resolver_status_ask(const char *run_dir, int timeout_ms, struct resolver_status *status,
                        struct err *err);

#endif
