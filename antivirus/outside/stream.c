#include "antivirus/outside/stream.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/dial.h"
#include "base/fsio.h"

#define BLOCK ((size_t)16 * 1024) /* read at a time */

int stream_open(struct stream *stream, const struct conf_peer *peer, struct err *err)
{
    const struct dial_place place = {.host = peer->host,
                                     .path = peer->path,
                                     .port = peer->port,
                                     .text = peer->text};
    *stream = STREAM_CLOSED;
    stream->fd = dial_start(&place, &stream->connecting, err);
    return stream->fd < 0 ? -1 : 0;
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
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (dial_finish(stream->fd, err) < 0)
        return -1;
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
