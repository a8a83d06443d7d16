#include "gateway/edge/answers.h"

#include <sys/mman.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"

void answers_init(struct answers *a, struct buf *came, answers_done *done, void *data)
{
    *a = (struct answers){.fd = -1, .came = came, .done = done, .data = data};
    buf_init(&a->known, KNOWN_MAX);
}

void answers_open(struct answers *a, int fd)
{
    fsio_close_quiet(&a->fd);
    a->fd = fd;
}

static void end_wait(struct answers *a)
{
    if (a->open == 0)
        return;
    a->open = 0;
    event_del(&a->readable);
}

static void keep(struct answers *a, enum known_kind kind, struct str message)
{
    if (a->known.n + known_size(message) <= KNOWN_MAX)
        known_put(&a->known, kind, message);
}

static void on_answer(evutil_socket_t fd, short what, void *data)
{
    struct answers *a = data;
    struct err err = {""};
    int got = 0;
    if (what & EV_TIMEOUT)
        got = IPC_EOF;
    while (a->open > 0 && got >= 0) {
        got = ipc_recv(a->fd, a->came, NULL, &err);
        if (got == 0)
            return;
        if (got == 1) {
            keep(a, KNOWN_ANSWER, buf_str(a->came));
            if (--a->open == 0)
                event_del(&a->readable);
        }
    }
    end_wait(a);
    a->done(a->data);
}

void answers_await(struct answers *a, struct event_base *base, uint32_t open, struct str fresh,
                   int64_t milliseconds)
{
    const struct timeval now = {0, 0};
    size_t room = KNOWN_MAX - a->known.n;
    if (fresh.n <= room)
        buf_add(&a->known, fresh);
    a->times++;
    a->until = clock_ms() + milliseconds;
    a->open = open ? open : 1;
    event_assign(&a->readable, base, a->fd, EV_READ | EV_PERSIST, on_answer, a);
    event_add(&a->readable,
              open ? NULL : &now); /* nothing to wait for: from the loop all the same */
}

bool answers_late(struct answers *a, int64_t now)
{
    if (a->open == 0 || now < a->until)
        return false;
    end_wait(a);
    return true;
}

int answers_file(const struct answers *a, struct err *err)
{
    int fd = memfd_create("known", MFD_CLOEXEC);
    if (fd < 0)
        return err_sys(err, "no memory file for what is known from the DNS");
    if (buf_ok(&a->known) && fsio_write(fd, buf_str(&a->known), "memory file", err) == 0)
        return fd;
    fsio_close_quiet(&fd);
    return buf_ok(&a->known) ? -1 : err_set(err, "no memory for what is known from the DNS");
}

void answers_release(struct answers *a)
{
    end_wait(a);
    fsio_close_quiet(&a->fd);
    buf_release(&a->known);
}
