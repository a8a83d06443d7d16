/*
 * dial: begins a connection to a place that the settings name: an IP address and a port, or the
 * path of a Unix socket. Names are not resolved here.
 */
#ifndef POTERNE_BASE_DIAL_H
#define POTERNE_BASE_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct dial_place {
    const char *host; /* an IP address; NULL: `path` is a Unix socket */
    const char *path;
    uint16_t port;
    const char *source; /* address of this machine that it comes from; NULL: any */
    const char *text;   /* as the settings write it, for messages */
};

/* A descriptor, non-blocking and close-on-exec, without delays by Nagle. *connecting: it is
 * connected when it became writable and dial_finish() finds nothing against it. -1: it can't be
 * begun. */
int dial_start(const struct dial_place *place, bool *connecting, struct err *err);
/* It became writable: 0 when it is connected; -1 with why not, in errno too. */
int dial_finish(int fd, struct err *err);

#endif
