/* notice_many: the same is asked of delivery about many messages, AHEAD at a time. */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "base/ipc.h"
#include "spool/notice.h"

#define AHEAD 200 /* questions without an answer: what a socket holds of both */
#define TRIES 3   /* connections one after another without an answer over any */

struct asking {
    const struct notice_many *many;
    char path[PATH_MAX];
    int fd;
    size_t sent, answered;
    struct buf message; /* either way */
};

/* As many as may be ahead and the socket takes. -1, or IPC_EOF. */
static int send_some(struct asking *a, struct err *err)
{
    const struct notice_many *many = a->many;
    while (a->sent < many->n && a->sent - a->answered < AHEAD) {
        struct notice notice = many->notice;
        notice.id = str_of(many->ids[a->sent]);
        buf_clear(&a->message);
        notice_put(&a->message, &notice);
        if (!buf_ok(&a->message))
            return err_set(err, "out of memory");
        int sent = ipc_send(a->fd, buf_str(&a->message), NULL, err);
        if (sent <= 0)
            return sent < 0 && (errno == EPIPE || errno == ECONNRESET) ? IPC_EOF : sent;
        a->sent++;
    }
    return 0;
}

/* The next answer. -1, or IPC_EOF. */
static int take_one(struct asking *a, struct err *err)
{
    struct notice_reply reply;
    int ready = ipc_wait(a->fd, a->sent == a->answered, NOTICE_ASK_TIMEOUT_MS, err);
    if (ready <= 0)
        return ready == 0 ? err_set(err, "no answer within %d ms", NOTICE_ASK_TIMEOUT_MS) : -1;
    if (a->sent == a->answered) /* there is room for a question now */
        return 0;
    int got = ipc_recv(a->fd, &a->message, NULL, err);
    if (got == IPC_EOF || (got < 0 && errno == ECONNRESET)) {
        err_set(err, "it has gone");
        return IPC_EOF;
    }
    if (got <= 0)
        return got;
    if (!notice_reply_get(buf_str(&a->message), &reply))
        return err_set(err, "delivery gave an answer that can't be read");
    a->many->answered(a->many->data, a->answered++, &reply);
    return 0;
}

/* 0: all are answered; -1, or IPC_EOF. */
static int ask_over_one(struct asking *a, struct err *err)
{
    int result = 0;
    a->fd = ipc_connect(a->path, err);
    if (a->fd < 0)
        return -1;
    a->sent = a->answered;
    while (result == 0 && a->answered < a->many->n) {
        result = send_some(a, err);
        if (result == 0)
            result = take_one(a, err);
    }
    close(a->fd);
    return result;
}

size_t notice_ask_many(const struct notice_many *many, struct err *err)
{
    struct asking a = {.many = many, .message = BUF_INIT(IPC_MSG_MAX)};
    int result = IPC_EOF;
    if (!ipc_path(many->run_dir, "delivery", a.path, sizeof a.path)) {
        err_set(err, "%s is too long for a socket's folder: choose a shorter run_dir",
                many->run_dir);
        return 0;
    }
    for (unsigned tries = 0; result == IPC_EOF && tries < TRIES; tries++) {
        size_t before = a.answered;
        result = ask_over_one(&a, err);
        if (a.answered > before)
            tries = 0;
    }
    buf_release(&a.message);
    if (a.answered < many->n)
        err_prefix(err, NOTICE_UNREACHED " (is poterned running?)");
    return a.answered;
}
