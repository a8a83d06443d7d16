/*
 * link: one lasting connection to another process (base/ipc.h), kept up by the event loop.
 * When it breaks it is tried again at once, then with pauses that double up to LINK_RETRY_MAX.
 * What can't be sent at once waits, up to a number of bytes; what waits is lost when it breaks.
 */
#ifndef POTERNE_GATEWAY_LINK_H
#define POTERNE_GATEWAY_LINK_H

#include <event2/event.h>

#include "base/ipc.h"

#define LINK_RETRY_FIRST 1 /* seconds */
#define LINK_RETRY_MAX   30
#define LINK_HELLO_MAX   16

struct link_hooks {
    void (*message)(void *data, struct str message); /* may be NULL: nothing is expected */
    void (*again)(void *data); /* broke and is back: what was not answered may be lost; or NULL */
    void (*gone)(void *data);  /* broke and could not be had back at once; or NULL */
    void *data;
    struct str hello; /* said first on every connection (LINK_HELLO_MAX at most); may be empty */
};

struct link;
/* `name` is the socket's: RUN_DIR/NAME.sock. Need not be there yet. NULL with err set. */
struct link *link_new(struct event_base *base, const char *run_dir, const char *name,
                      size_t waiting_max, const struct link_hooks *hooks, struct err *err);
void link_free(struct link **link);
/* What became of a message: LINK_BROKE means that `again` or `gone` will be called soon. */
enum link_sent { LINK_SENT, LINK_BROKE, LINK_AWAY, LINK_FULL };
enum link_sent link_send(struct link *link, struct str message);
/* Once a second. */
void link_tick(struct link *link);

#endif
