/*
 * askers: those who have a lasting connection to us, in an event loop: whole messages in, whole
 * messages out. What one does not take waits, up to a number of bytes; whoever does not take his
 * answers, or goes, costs his connection and nothing else.
 */
#ifndef POTERNE_GATEWAY_FETCH_ASKERS_H
#define POTERNE_GATEWAY_FETCH_ASKERS_H

#include <event2/event.h>

#include "base/ipc.h"

#define ASKERS_MAX        64                        /* others wait in the socket's line */
#define ASKERS_UNSENT_MAX ((size_t)2 * 1024 * 1024) /* bytes of answers that one has not taken */

struct askers;
struct asker;

struct askers_hooks {
    /* May end the asker. The bytes are wiped afterwards. */
    void (*message)(void *data, struct asker *asker, struct str message);
    void (*gone)(void *data, struct asker *asker); /* its pointer means nothing any more */
    void *data;
};

/* NULL with err set. */
struct askers *askers_open(struct event_base *base, int listen_fd, const struct askers_hooks *hooks,
                           struct err *err);
void askers_close(struct askers **askers);
/* Once a second. */
void askers_tick(struct askers *askers);
/* Takes no new ones. */
void askers_drain(struct askers *askers);

/* Both may end the asker. */
void asker_send(struct asker *asker, struct str message);
void asker_cut_off(struct asker *asker, const char *why);
/* How many answers he waits for; the owner's own. */
size_t *asker_open(struct asker *asker);
/* Ends those who wait for nothing. */
void askers_end_idle(struct askers *askers);
size_t askers_count(const struct askers *askers);

#endif
