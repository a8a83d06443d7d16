/*
 * stream: a connection to a service, for a thread that may wait: every step until a deadline.
 */
#ifndef POTERNE_DIRECTORY_STREAM_H
#define POTERNE_DIRECTORY_STREAM_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct stream {
    int fd;           /* -1: not connected */
    int64_t until_ms; /* monotonic */
};

/* To a numeric address, or to a Unix socket where host is NULL. 0, or -1 with err. */
int stream_connect(struct stream *stream, const char *host, uint16_t port, const char *path,
                   int64_t until_ms, struct err *err);
int stream_send(struct stream *stream, struct str bytes, struct err *err);
/* How many came, at most n; 0: the other side has closed; -1: err. */
int stream_receive(struct stream *stream, char *bytes, size_t n, struct err *err);
void stream_close(struct stream *stream);

#endif
