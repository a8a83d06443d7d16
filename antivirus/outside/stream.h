/*
 * stream: a connection to an outside scanner that never blocks. What is to be sent is a few
 * views, which their maker keeps alive until stream_sent(); what comes is gathered in `in`, which
 * its reader empties: a scanner that says more than STREAM_IN_MAX at once is cut off.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_STREAM_H
#define POTERNE_ANTIVIRUS_OUTSIDE_STREAM_H

#include "base/buf.h"
#include "base/conf.h"

#define STREAM_PIECES 3
#define STREAM_IN_MAX ((size_t)64 * 1024)

struct stream {
    int fd; /* -1: closed */
    bool connecting;
    bool deaf;  /* the scanner takes no more: what is sent is dropped, it may have said why */
    bool ended; /* the scanner will say no more */
    struct str out[STREAM_PIECES];
    int pass_fd;   /* goes with the first byte of the last piece; -1: none; not ours to close */
    struct buf in; /* what has come and was not eaten */
};

#define STREAM_CLOSED ((struct stream){.fd = -1, .pass_fd = -1, .in = BUF_INIT(STREAM_IN_MAX)})

/* Begins to connect. */
int stream_open(struct stream *stream, const struct conf_peer *peer, struct err *err);
void stream_close(struct stream *stream);

/* Only when what was given before has been sent. pass_fd -1: none, else the last piece is not
 * empty. */
void stream_send(struct stream *stream, const struct str pieces[STREAM_PIECES], int pass_fd);
bool stream_sent(const struct stream *stream);

/* For poll(). */
short stream_events(const struct stream *stream);
/* Connects, sends what goes now, receives a block. -1: the connection is broken. */
int stream_step(struct stream *stream, struct err *err);

#endif
