#include "base/ipc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define IPC_BACKLOG 512
#define SHORTAGE_MS 100 /* until the next try where descriptors or memory are out */

#define IPC_SOCKET_FLAGS (SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)

bool ipc_path(const char *run_dir, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s/%s.sock", run_dir, name);
    return n > 0 && (size_t)n < size;
}

static int fill_address(struct sockaddr_un *to, const char *path, struct err *err)
{
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    if (!str_copy(str_of(path), to->sun_path, sizeof to->sun_path)) {
        errno = ENAMETOOLONG;
        return err_set(err, "socket path %s is longer than %zu bytes: choose a shorter run_dir",
                       path, sizeof to->sun_path - 1);
    }
    return 0;
}

/* A message must fit whole into the send buffer; asking for more than the system's limit is no
 * error there, and the default holds IPC_MSG_MAX too. */
static void widen(int fd)
{
    int size = 2 * IPC_MSG_MAX;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int ipc_listen(const char *path, mode_t mode, struct err *err)
{
    struct sockaddr_un at;
    if (fill_address(&at, path, err) < 0)
        return -1;
    int fd = socket(AF_UNIX, IPC_SOCKET_FLAGS, 0);
    if (fd < 0)
        return err_sys(err, "cannot make a Unix socket");
    if (unlink(path) < 0 && errno != ENOENT) {
        err_sys(err, "cannot remove the old socket %s", path);
    } else if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
        err_sys(err, "cannot bind %s", path);
    } else if (chmod(path, mode) < 0) {
        err_sys(err, "cannot set the mode of %s", path);
    } else if (listen(fd, IPC_BACKLOG) < 0) {
        err_sys(err, "cannot listen on %s", path);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

int ipc_connect(const char *path, struct err *err)
{
    struct sockaddr_un to;
    if (fill_address(&to, path, err) < 0)
        return -1;
    int fd = socket(AF_UNIX, IPC_SOCKET_FLAGS, 0);
    if (fd < 0)
        return err_sys(err, "cannot make a Unix socket");
    widen(fd);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    int saved = errno;
    err_sys(err, "cannot connect to %s", path);
    close(fd);
    errno = saved;
    return -1;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

int ipc_accept(int listen_fd, struct err *err)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            widen(fd);
            return fd;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        err_sys(err, "cannot accept");
        if (is_shortage(errno)) {
            int saved = errno;
            poll(NULL, 0, SHORTAGE_MS);
            errno = saved;
        }
        return -1;
    }
}

int ipc_send(int fd, struct str message, const struct ipc_fds *fds, struct err *err)
{
    union {
        char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec part = {(void *)message.s, message.n};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    if (message.n == 0 || message.n > IPC_MSG_MAX) {
        errno = EMSGSIZE;
        return err_set(err, "message of %zu bytes between processes (1 to %d are allowed)",
                       message.n, IPC_MSG_MAX);
    }
    if (fds && fds->n) {
        head.msg_control = control.bytes;
        head.msg_controllen = CMSG_SPACE(fds->n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds->n * sizeof(int));
        memcpy(CMSG_DATA(c), fds->fd, fds->n * sizeof(int));
    }
    for (;;) {
        if (sendmsg(fd, &head, MSG_NOSIGNAL) >= 0)
            return 1;
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return 0;
        int gone = errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN;
        err_sys(err, "cannot send to another process");
        return gone ? IPC_EOF : -1;
    }
}

/* Keeps at most IPC_FDS_MAX descriptors; the rest, and all when nobody wants them, are closed. */
static void take_fds(struct msghdr *head, struct ipc_fds *fds)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (fds && fds->n < IPC_FDS_MAX)
                fds->fd[fds->n++] = fd;
            else
                close(fd);
        }
    }
}

int ipc_recv(int fd, struct buf *message, struct ipc_fds *fds, struct err *err)
{
    union {
        char bytes[CMSG_SPACE(IPC_FDS_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    if (fds)
        fds->n = 0;
    buf_clear(message);
    char *to = buf_room(message, IPC_MSG_MAX);
    if (to == NULL)
        return err_set(err, "out of memory for a message");
    struct iovec part = {to, IPC_MSG_MAX};
    struct msghdr head = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof control.bytes};
    ssize_t n;
    do {
        n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    if (n == 0 || (n < 0 && errno == ECONNRESET)) {
        err_set(err, "the other process closed the connection");
        return IPC_EOF;
    }
    if (n < 0)
        return err_sys(err, "cannot receive from another process");
    take_fds(&head, fds);
    if (head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (fds)
            ipc_fds_close(fds);
        return err_set(err, "a message between processes was cut short");
    }
    buf_filled(message, (size_t)n);
    return 1;
}

void ipc_fds_close(struct ipc_fds *fds)
{
    for (size_t i = 0; i < fds->n; i++)
        close(fds->fd[i]);
    fds->n = 0;
}

int ipc_wait(int fd, bool to_write, int timeout_ms, struct err *err)
{
    struct pollfd p = {.fd = fd, .events = to_write ? POLLOUT : POLLIN};
    for (;;) {
        int n = poll(&p, 1, timeout_ms);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return err_sys(err, "cannot wait for another process");
    }
}

static int exchange(int fd, struct str request, const struct ipc_fds *fds, struct buf *reply,
                    int timeout_ms, struct err *err)
{
    int sent = ipc_send(fd, request, fds, err);
    if (sent == 0) {
        if (ipc_wait(fd, true, timeout_ms, err) < 0)
            return -1;
        sent = ipc_send(fd, request, fds, err);
    }
    if (sent != 1)
        return sent == 0 ? err_set(err, "the other process is too busy") : -1;
    int ready = ipc_wait(fd, false, timeout_ms, err);
    if (ready <= 0)
        return ready == 0 ? err_set(err, "no answer within %d ms", timeout_ms) : -1;
    return ipc_recv(fd, reply, NULL, err) == 1 ? 0 : -1;
}

int ipc_call(const char *path, struct str request, const struct ipc_fds *fds, struct buf *reply,
             int timeout_ms, struct err *err)
{
    int fd = ipc_connect(path, err);
    if (fd < 0)
        return -1;
    int result = exchange(fd, request, fds, reply, timeout_ms, err);
    close(fd);
    return result;
}
