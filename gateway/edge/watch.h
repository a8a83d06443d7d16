/*
 * watch: one descriptor watched by the event loop for those who change it as they like.
 * (For who can't see libevent's headers: journal/event.h has a `struct event` of its own.)
 */
#ifndef POTERNE_GATEWAY_EDGE_WATCH_H
#define POTERNE_GATEWAY_EDGE_WATCH_H

#include <stdbool.h>

struct event_base;
struct watch;

/* NULL: out of memory */
struct watch *watch_new(struct event_base *base, void (*readable)(void *data),
                        void (*writable)(void *data), void *data);
void watch_free(struct watch **watch);
/* From now on that one (-1: none) for reading, and for writing too if `writing`. The old one may be
 * closed already. False: the loop has no memory for it, and it may not be watched. */
bool watch_set(struct watch *watch, int fd, bool writing);

#endif
