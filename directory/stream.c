#include "directory/stream.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/dial.h"
#include "base/fsio.h"
#include "base/ipc.h"

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
    return wait_for(stream, true, err) < 0 ? -1 : dial_finish(stream->fd, err);
}

int stream_connect(struct stream *stream, const char *host, uint16_t port, const char *path,
                   int64_t until_ms, struct err *err)
{
    const struct dial_place place = {.host = host,
                                     .port = port,
                                     .path = path,
                                     .text = host ? host : path};
    bool connecting;
    stream->until_ms = until_ms;
    stream->fd = dial_start(&place, &connecting, err);
    if (stream->fd < 0)
        return -1;
    int result = connecting ? finish_connect(stream, err) : 0;
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
