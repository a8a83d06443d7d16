#include "journal/tell.h"

#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "base/ipc.h"

struct talk {
    int fd;
    bool writing;
};

static bool interest(void *data, int fd, bool writing)
{
    *(struct talk *)data = (struct talk){fd, writing};
    return true;
}

/* Until all is committed. */
static int wait_for_journal(struct journal_client *client, const struct talk *talk, struct err *err)
{
    int64_t end = clock_ms() + JOURNAL_TELL_MS;
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

int journal_tell(const char *run_dir, size_t bytes_max,
                 int (*tell)(struct journal_client *client, const void *data, struct err *err),
                 const void *data, struct err *err)
{
    struct talk talk = {.fd = -1};
    const struct journal_client_hooks hooks = {.interest = interest, .data = &talk};
    char path[PATH_MAX];
    if (!ipc_path(run_dir, "journal", path, sizeof path))
        return err_set(err, "run_dir is too long");
    struct journal_client *client = journal_client_new(path, bytes_max, &hooks, err);
    if (client == NULL)
        return -1;
    int told = tell(client, data, err);
    if (told == 0)
        told = wait_for_journal(client, &talk, err);
    journal_client_free(&client);
    return told;
}
