#include "antivirus/outside/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fsio.h"

#define BLOCK ((size_t)16 * 1024) /* read at a time */

struct address {
    struct sockaddr_storage at;
    socklen_t n;
};

static bool address_of(const struct conf_peer *peer, struct address *address)
{
    memset(address, 0, sizeof *address);
    if (peer->path) {
        struct sockaddr_un *at = (struct sockaddr_un *)&address->at;
        at->sun_family = AF_UNIX;
        address->n = sizeof *at;
        return str_copy(str_of(peer->path), at->sun_path, sizeof at->sun_path);
    }
    struct sockaddr_in *four = (struct sockaddr_in *)&address->at;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->at;
    if (inet_pton(AF_INET, peer->host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(peer->port);
        address->n = sizeof *four;
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(peer->port);
    address->n = sizeof *six;
    return inet_pton(AF_INET6, peer->host, &six->sin6_addr) == 1;
}

int stream_open(struct stream *stream, const struct conf_peer *peer, struct err *err)
{
    struct address address;
    int one = 1;
    *stream = STREAM_CLOSED;
    if (!address_of(peer, &address))
        return err_set(err, "%s is no address that can be connected to", peer->text);
    stream->fd = socket(address.at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stream->fd < 0)
        return err_sys(err, "cannot make a socket");
    if (peer->host)
        setsockopt(stream->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(stream->fd, (struct sockaddr *)&address.at, address.n) == 0)
        return 0;
    stream->connecting = errno == EINPROGRESS;
    if (stream->connecting)
        return 0;
    err_sys(err, "cannot connect to %s", peer->text);
    stream_close(stream);
    return -1;
}

void stream_close(struct stream *stream)
{
    fsio_close_quiet(&stream->fd);
    buf_release(&stream->in);
    *stream = STREAM_CLOSED;
}

void stream_send(struct stream *stream, const struct str pieces[STREAM_PIECES], int pass_fd)
{
    if (stream->deaf)
        return;
    memcpy(stream->out, pieces, sizeof stream->out);
    stream->pass_fd = pass_fd;
}

bool stream_sent(const struct stream *stream)
{
    for (size_t i = 0; i < STREAM_PIECES; i++)
        if (stream->out[i].n > 0)
            return false;
    return true;
}

short stream_events(const struct stream *stream)
{
    bool writes = stream->connecting || !stream_sent(stream);
    return (short)((stream->ended ? 0 : POLLIN) | (writes ? POLLOUT : 0));
}

/* 1: connected; 0: not yet */
static int finish_connect(struct stream *stream, struct err *err)
{
    struct pollfd p = {.fd = stream->fd, .events = POLLOUT};
    int why = 0;
    socklen_t n = sizeof why;
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0)
        return err_sys(err, "cannot ask about a connection");
    errno = why;
    if (why != 0)
        return err_sys(err, "cannot connect");
    stream->connecting = false;
    return 1;
}

static ssize_t send_some(struct stream *stream, size_t first, size_t last)
{
    struct iovec pieces[STREAM_PIECES];
    struct msghdr message = {.msg_iov = pieces};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    for (size_t i = first; i < last; i++)
        pieces[message.msg_iovlen++] = (struct iovec){(void *)stream->out[i].s, stream->out[i].n};
    bool passes = stream->pass_fd >= 0 && first == STREAM_PIECES - 1;
    if (passes) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &stream->pass_fd, sizeof(int));
    }
    ssize_t n = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    if (n > 0 && passes)
        stream->pass_fd = -1;
    return n;
}

static void forget_sent(struct stream *stream, size_t n)
{
    for (size_t i = 0; i < STREAM_PIECES; i++) {
        size_t gone = n < stream->out[i].n ? n : stream->out[i].n;
        stream->out[i] = str_from(stream->out[i], gone);
        n -= gone;
    }
}

static void turn_deaf(struct stream *stream)
{
    stream->deaf = true;
    memset(stream->out, 0, sizeof stream->out);
    stream->pass_fd = -1;
}

static void send_all(struct stream *stream)
{
    while (!stream_sent(stream)) {
        size_t first = 0;
        while (stream->out[first].n == 0)
            first++;
        /* the piece that a descriptor goes with stands in a call of its own */
        bool apart = stream->pass_fd >= 0 && first < STREAM_PIECES - 1;
        ssize_t n = send_some(stream, first, apart ? STREAM_PIECES - 1 : STREAM_PIECES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0)
            turn_deaf(stream);
        else
            forget_sent(stream, (size_t)n);
    }
}

/* One block at most, so that its reader gets a turn before the next. */
static int receive_some(struct stream *stream, struct err *err)
{
    size_t room = STREAM_IN_MAX - stream->in.n;
    if (stream->ended)
        return 0;
    if (room == 0)
        return err_set(err, "it says more than %zu bytes at once", STREAM_IN_MAX);
    char *to = buf_room(&stream->in, room < BLOCK ? room : BLOCK);
    if (to == NULL)
        return err_set(err, "out of memory");
    ssize_t n = recv(stream->fd, to, room < BLOCK ? room : BLOCK, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    if (n < 0)
        return err_sys(err, "the connection broke");
    buf_filled(&stream->in, (size_t)n);
    stream->ended = n == 0;
    return 0;
}

int stream_step(struct stream *stream, struct err *err)
{
    if (stream->connecting) {
        int result = finish_connect(stream, err);
        if (result <= 0)
            return result;
    }
    send_all(stream);
    return receive_some(stream, err);
}
