#include "bayes/learn/learn_hold.h"

#include <errno.h>
#include <limits.h>

#include "base/fsio.h"

#define WAIT_MS 120000 /* for the first answer: the learner may be building a model */
#define LOCK    "bayes/lock"

static int receive(const struct learn_hold *hold, struct buf *message, struct err *err)
{
    for (;;) {
        int got = ipc_recv(hold->fd, message, NULL, err);
        if (got == IPC_EOF)
            return err_set(err, "the learner has gone, or waited no longer");
        if (got != 0)
            return got == 1 ? 0 : -1;
        int ready = ipc_wait(hold->fd, false, WAIT_MS, err);
        if (ready <= 0)
            return ready < 0 ? -1
                             : err_set(err, "the learner gave no answer in %d s", WAIT_MS / 1000);
    }
}

static int ask(struct learn_hold *hold, struct err *err)
{
    const struct learn_request request = {.number = ++hold->number, .verb = LEARN_HOLD};
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    struct learn_reply reply;
    learn_request_put(&message, &request);
    int sent = buf_ok(&message) ? ipc_send(hold->fd, buf_str(&message), NULL, err)
                                : err_set(err, "out of memory");
    int result = sent == 1 ? 0 : -1;
    if (sent == 0 || sent == IPC_EOF)
        err_set(err, "the learner takes no request");
    if (result == 0)
        result = receive(hold, &message, err);
    if (result == 0 && (!learn_reply_get(buf_str(&message), &reply) ||
                        reply.number != hold->number || reply.answer != LEARN_ANSWER_DONE))
        result = err_set(err, "the learner would not wait (is it of another version?)");
    buf_release(&message);
    return result;
}

static int take_lock(const struct conf *conf, struct learn_hold *hold, struct err *err)
{
    char path[PATH_MAX];
    if (fsio_join(path, sizeof path, conf->state_dir, LOCK, err) < 0)
        return -1;
    hold->lock_fd = fsio_lock(path, err);
    if (hold->lock_fd >= 0 || errno == ENOENT) /* nothing was ever learned */
        return 0;
    return err_prefix(err, "no learner answers, and what was learned can't be locked");
}

int learn_hold_begin(const struct conf *conf, struct learn_hold *hold, struct err *err)
{
    char path[PATH_MAX];
    *hold = (struct learn_hold){.fd = -1, .lock_fd = -1};
    if (!ipc_path(conf->run_dir, LEARN_SOCKET, path, sizeof path))
        return err_set(err, "%s/" LEARN_SOCKET ".sock: path too long", conf->run_dir);
    hold->fd = ipc_connect(path, err);
    if (hold->fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
        return take_lock(conf, hold, err);
    if (hold->fd < 0)
        return -1;
    if (ask(hold, err) == 0)
        return 0;
    fsio_close_quiet(&hold->fd);
    /* poterned keeps the socket also while no learner can start: who gets the lock knows */
    struct err why;
    return take_lock(conf, hold, &why);
}

int learn_hold_keep(struct learn_hold *hold, struct err *err)
{
    return hold->fd >= 0 ? ask(hold, err) : 0;
}

void learn_hold_end(struct learn_hold *hold)
{
    fsio_close_quiet(&hold->fd);
    fsio_close_quiet(&hold->lock_fd);
}
