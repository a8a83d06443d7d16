/*
 * client: asks the resolver over a connection (protocol.h) and waits: a source of answers for who
 * judges a message. It needs no socket and no path of its own: who opened the connection has said
 * what may be asked over it.
 */
#ifndef POTERNE_GATEWAY_RESOLVER_CLIENT_H
#define POTERNE_GATEWAY_RESOLVER_CLIENT_H

#include "gateway/resolver/protocol.h"

/* What an answer may be late beyond the budget's time: then the resolver is taken for gone. */
#define RESOLVER_GRACE_MS 1000
/* What takes longer is a wait. */
#define RESOLVER_QUICK_MS 1

struct resolver_client {
    int fd; /* not its own */
    int patience_ms;
    uint32_t number;           /* of the last question */
    bool broken;               /* nothing more is asked */
    void (*waits)(void *data); /* NULL: called before each round that takes longer is waited for */
    void *waits_data;
    struct buf message;
};

/* `milliseconds` is what the connection's budget says. No memory is taken until it is asked. */
void resolver_client_init(struct resolver_client *client, int fd, uint32_t milliseconds);
/* Every query has its answer, or DNS_TEMP_FAILED, within the time and the grace. */
struct dns_source resolver_client_source(struct resolver_client *client);
void resolver_client_release(struct resolver_client *client);

/* A connection to the resolver, its first message said; -1 with err. */
int resolver_connect(const char *run_dir, const struct resolver_budget *budget, struct err *err);
/* What the resolver says of itself. */
int resolver_status_ask(const char *run_dir, int timeout_ms, struct resolver_status *status,
                        struct err *err);

#endif
