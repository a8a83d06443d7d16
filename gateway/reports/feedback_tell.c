/* The second step of feedback.h: what was found is told to the journal. */
#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "base/ipc.h"
#include "gateway/reports/feedback.h"
#include "journal/client.h"

#define TELL_MS 30000

struct str feedback_text(struct str found)
{
    struct wire w = wire_of(found);
    struct str text = wire_get_str(&w);
    return w.bad ? STR_EMPTY : text;
}

struct talk {
    int fd;
    bool writing;
};

static void interest(void *data, int fd, bool writing)
{
    *(struct talk *)data = (struct talk){fd, writing};
}

/* Until all is committed. */
static int wait_for_journal(struct journal_client *client, const struct talk *talk, struct err *err)
{
    int64_t end = clock_ms() + TELL_MS;
    while (journal_client_waiting(client) > 0) {
        struct pollfd p = {.fd = talk->fd,
                           .events = (short)(POLLIN | (talk->writing ? POLLOUT : 0))};
        if (clock_ms() > end || talk->fd < 0)
            return err_set(err, "the journal does not answer");
        if (poll(&p, 1, 1000) <= 0)
            continue;
        if (p.revents & POLLOUT)
            journal_client_on_writable(client);
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            journal_client_on_readable(client);
    }
    return 0;
}

static int tell_all(struct journal_client *client, struct str found, struct err *err)
{
    struct wire w = wire_of(found);
    struct event event;
    wire_get_str(&w);
    while (!w.bad && w.in.n > 0) {
        struct str record = wire_get_str(&w);
        if (w.bad || !event_get(record, &event) ||
            (event.kind != EVENT_FEEDBACK && event.kind != EVENT_TLS_FEEDBACK))
            return err_set(err, "what was found makes no sense");
        uint64_t number = event.kind == EVENT_FEEDBACK
                              ? journal_client_feedback(client, &event.feedback)
                              : journal_client_tls_feedback(client, &event.tls_feedback);
        if (number == 0)
            return err_set(err, "the journal takes no more");
    }
    return w.bad ? err_set(err, "what was found makes no sense") : 0;
}

int feedback_tell(void *data, int fd, struct buf *result, struct err *err)
{
    const struct feedback_telling *telling = data;
    struct talk talk = {.fd = -1};
    const struct journal_client_hooks hooks = {.interest = interest, .data = &talk};
    char path[PATH_MAX];
    (void)fd;
    if (!ipc_path(telling->conf->run_dir, "journal", path, sizeof path))
        return err_set(err, "run_dir is too long");
    struct journal_client *client = journal_client_new(path, 2 * FEEDBACK_FOUND_MAX, &hooks, err);
    if (client == NULL)
        return -1;
    int told = tell_all(client, buf_str(&telling->found), err);
    if (told == 0)
        told = wait_for_journal(client, &talk, err);
    journal_client_free(&client);
    buf_addc(result, '1');
    return told;
}
