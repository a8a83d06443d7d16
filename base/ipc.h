/*
 * ipc: whole messages, with file descriptors if need be, between processes of this machine over
 * Unix SOCK_SEQPACKET sockets. A message is at most IPC_MSG_MAX bytes; what is larger travels as
 * a descriptor. Sockets are non-blocking and close-on-exec.
 *
 * Two ways of use:
 *   a request is a connection  (content, antivirus): connect, send, receive, close. The workers
 *       of a kind accept from one listening socket, so an idle one takes the next request and
 *       the death of a worker is the end of one connection;
 *   a lasting connection       (directory, journal, delivery, learner): messages carry a number.
 *
 * Results: 1 done; 0 would block; -1 error (errno and err set); IPC_EOF the peer has gone.
 */
#ifndef POTERNE_BASE_IPC_H
#define POTERNE_BASE_IPC_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define IPC_MSG_MAX (128 * 1024)
#define IPC_FDS_MAX 4
#define IPC_EOF     (-2)

struct ipc_fds {
    int fd[IPC_FDS_MAX];
    size_t n;
};

/* Binds and listens; an old socket file at path is removed. Returns the fd or -1. */
int ipc_listen(const char *path, mode_t mode, struct err *err);
/* Returns the fd; -1 with errno EAGAIN when all workers and the waiting line are busy. */
int ipc_connect(const char *path, struct err *err);
/* RUN_DIR/NAME.sock; false when it does not fit */
bool ipc_path(const char *run_dir, const char *name, char *out, size_t size);
/* The fd, or -1. Where descriptors or memory are out it takes a tenth of a second to say so: who
 * waits for the socket is told of the same connection without end, and must not spin. */
int ipc_accept(int listen_fd, struct err *err);

int ipc_send(int fd, struct str message, const struct ipc_fds *fds, struct err *err);
/* The message replaces what is in `message` (its maximum must be IPC_MSG_MAX or more).
 * fds may be NULL: then descriptors that come are closed. */
int ipc_recv(int fd, struct buf *message, struct ipc_fds *fds, struct err *err);
void ipc_fds_close(struct ipc_fds *fds);

/* Waits until fd is readable or writable: 1 yes, 0 timeout, -1 error. */
int ipc_wait(int fd, bool to_write, int timeout_ms, struct err *err);
/* One request on a connection of its own, for command-line tools and tests (blocks). */
int ipc_call(const char *path, struct str request, const struct ipc_fds *fds, struct buf *reply,
             int timeout_ms, struct err *err);

#endif
