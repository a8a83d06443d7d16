#include "gateway/edge/answers.h"

#include <sys/mman.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/loop.h"

void answers_init(struct answers *a, struct buf *came, size_t *all, answers_done *done, void *data)
{
    *a = (struct answers){.fd = -1, .came = came, .all = all, .done = done, .data = data};
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

static void keep(struct answers *a, struct str message)
{
    size_t size = known_size(message), before = a->known.n;
    bool large = message.n > KNOWN_SMALL;
    if (before + size > KNOWN_MAX || (large && a->large + size > KNOWN_LARGE_MAX))
        return;
    a->large += large ? size : 0;
    known_put(&a->known, KNOWN_ANSWER, message);
    *a->all += a->known.n - before;
}

static void keep_fresh(struct answers *a, struct str records)
{
    size_t before = a->known.n;
    if (before + records.n <= KNOWN_MAX)
        buf_add(&a->known, records);
    *a->all += a->known.n - before;
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
            keep(a, buf_str(a->came));
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
    keep_fresh(a, fresh);
    a->times++;
    a->until = clock_ms() + milliseconds;
    a->open = open ? open : 1;
    event_assign(&a->readable, base, a->fd, EV_READ | EV_PERSIST, on_answer, a);
    /* nothing to wait for: from the loop all the same */
    loop_wait(&a->readable, open ? NULL : &now);
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
    *a->all -= a->known.n;
    buf_release(&a->known);
}
