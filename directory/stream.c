#include "directory/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/ipc.h"

union any_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
};

static socklen_t make_address(const char *host, uint16_t port, const char *path,
                              union any_address *a)
{
    memset(a, 0, sizeof *a);
    if (host == NULL) {
        a->local.sun_family = AF_UNIX;
        return str_copy(str_of(path), a->local.sun_path, sizeof a->local.sun_path) ? sizeof a->local
                                                                                   : 0;
    }
    a->four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &a->four.sin_addr) == 1)
        return sizeof a->four;
    a->six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return inet_pton(AF_INET6, host, &a->six.sin6_addr) == 1 ? sizeof a->six : 0;
}

static int wait_for(struct stream *stream, bool to_write, struct err *err)
{
    int64_t left = stream->until_ms - clock_ms();
    int ready = left > 0 ? ipc_wait(stream->fd, to_write, (int)left, err) : 0;
    if (ready == 0)
        err_set(err, "no answer in time");
    return ready == 1 ? 0 : -1;
}

static int finish_connect(struct stream *stream, struct err *err)
{
    int error = 0;
    socklen_t n = sizeof error;
    if (wait_for(stream, true, err) < 0)
        return -1;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
        return err_sys(err, "cannot connect");
    errno = error;
    return error ? err_sys(err, "cannot connect") : 0;
}

int stream_connect(struct stream *stream, const char *host, uint16_t port, const char *path,
                   int64_t until_ms, struct err *err)
{
    union any_address address;
    int one = 1;
    socklen_t n = make_address(host, port, path, &address);
    stream->fd = -1;
    stream->until_ms = until_ms;
    if (n == 0)
        return err_set(err, "no address that can be connected to");
    stream->fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return err_sys(err, "cannot make a socket");
    if (host)
        setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int result = connect(stream->fd, &address.any, n);
    if (result < 0 && errno == EINPROGRESS)
        result = finish_connect(stream, err);
    else if (result < 0)
        err_sys(err, "cannot connect");
    if (result < 0)
        stream_close(stream);
    return result;
}

int stream_send(struct stream *stream, struct str bytes, struct err *err)
{
    while (bytes.n) {
        ssize_t n = send(stream->fd, bytes.s, bytes.n, MSG_NOSIGNAL);
        if (n > 0)
            bytes = str_from(bytes, (size_t)n);
        else if (errno != EAGAIN && errno != EINTR)
            return err_sys(err, "cannot send");
        else if (wait_for(stream, true, err) < 0)
            return -1;
    }
    return 0;
}

int stream_receive(struct stream *stream, char *bytes, size_t n, struct err *err)
{
    for (;;) {
        ssize_t got = recv(stream->fd, bytes, n, 0);
        if (got >= 0)
            return (int)got;
        if (errno != EAGAIN && errno != EINTR)
            return err_sys(err, "cannot receive");
        if (wait_for(stream, false, err) < 0)
            return -1;
    }
}

void stream_close(struct stream *stream)
{
    fsio_close_quiet(&stream->fd);
}
