#include "gateway/resolver/client.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define PATH_SIZE 128

void resolver_client_init(struct resolver_client *c, int fd, uint32_t milliseconds)
{
    *c = (struct resolver_client){.fd = fd};
    c->patience_ms = (int)(milliseconds > INT32_MAX / 2 ? INT32_MAX / 2 : milliseconds);
    c->patience_ms += RESOLVER_GRACE_MS;
    buf_init(&c->message, IPC_MSG_MAX);
}

void resolver_client_release(struct resolver_client *c)
{
    buf_release(&c->message);
}

static int time_left(int64_t end)
{
    int64_t left = end - clock_ms();
    return left > 0 ? (int)left : 0;
}

/* All of them in one message: DNS_QUESTIONS_MAX of the longest names fit. The number of the query
 * list[i] is the last one before, plus 1, plus i. */
static int send_questions(struct resolver_client *c, const struct dns_query *list, size_t n,
                          int64_t end, size_t *open, struct err *err)
{
    int sent = 0;
    buf_clear(&c->message);
    for (size_t i = 0; i < n; i++) {
        if (list[i].status != DNS_ASKED_NOT)
            continue;
        resolver_question_put(&c->message, c->number + 1 + (uint32_t)i, list[i].type, list[i].name);
        ++*open;
    }
    if (*open == 0)
        return 0;
    while (buf_ok(&c->message) && sent == 0) {
        if (ipc_wait(c->fd, true, time_left(end), err) != 1)
            return err_set(err, "the resolver takes no question");
        sent = ipc_send(c->fd, buf_str(&c->message), NULL, err);
    }
    return sent == 1 ? 0 : -1;
}

/* One answer; those to questions of earlier rounds, whose time was over, are passed by. */
static int take_answer(struct resolver_client *c, struct pool *pool, struct dns_query *list,
                       size_t n, size_t *open, struct err *err)
{
    struct resolver_answer answer;
    uint32_t number;
    if (!resolver_answer_number(buf_str(&c->message), &number))
        return err_set(err, "malformed answer");
    size_t i = (uint32_t)(number - c->number - 1);
    if (i >= n || list[i].status != DNS_ASKED_NOT)
        return 0;
    if (!resolver_answer_get(buf_str(&c->message), pool, &answer))
        return err_set(err, "malformed answer, or no memory for it");
    list[i].status = answer.status;
    list[i].secure = (answer.flags & RESOLVER_SECURE) != 0;
    list[i].ttl = answer.ttl;
    list[i].records = answer.records;
    list[i].n = answer.n;
    --*open;
    return 0;
}

/* For the next answer. 1: it is there; else 0 or -1, as ipc_wait() says */
static int await_answer(struct resolver_client *c, int64_t end, bool *told, struct err *err)
{
    int left = time_left(end);
    if (!c->waits || *told || left <= RESOLVER_QUICK_MS)
        return ipc_wait(c->fd, false, left, err);
    int ready = ipc_wait(c->fd, false, RESOLVER_QUICK_MS, err);
    if (ready != 0)
        return ready;
    *told = true;
    c->waits(c->waits_data);
    return ipc_wait(c->fd, false, time_left(end), err);
}

static int ask_round(struct resolver_client *c, struct pool *pool, struct dns_query *list, size_t n,
                     struct err *err)
{
    int64_t end = clock_ms() + c->patience_ms;
    size_t open = 0;
    bool told = false;
    if (send_questions(c, list, n, end, &open, err) < 0)
        return -1;
    while (open > 0) {
        if (await_answer(c, end, &told, err) != 1)
            return err_set(err, "no answer in time");
        int got = ipc_recv(c->fd, &c->message, NULL, err);
        if (got == IPC_EOF)
            return err_set(err, "it has gone");
        if (got < 0 || (got == 1 && take_answer(c, pool, list, n, &open, err) < 0))
            return -1;
    }
    return 0;
}

/* Names that can't be asked for could fill the message with what is no name. */
static void refuse_bad_names(struct dns_query *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].status == DNS_ASKED_NOT && !dns_name_ok(list[i].name))
            list[i].status = DNS_BAD_NAME;
}

static void ask(void *data, struct pool *pool, struct dns_query *list, size_t n)
{
    struct resolver_client *c = data;
    struct err err = {""};
    size_t now = n < DNS_QUESTIONS_MAX ? n : DNS_QUESTIONS_MAX;
    refuse_bad_names(list, n);
    if (!c->broken && ask_round(c, pool, list, now, &err) < 0) {
        log_warning("the resolver: %s; nothing more is asked for this message", err.text);
        c->broken = true;
    }
    c->number += (uint32_t)now;
    for (size_t i = 0; i < n; i++)
        if (list[i].status == DNS_ASKED_NOT)
            list[i].status = DNS_TEMP_FAILED;
}

struct dns_source resolver_client_source(struct resolver_client *c)
{
    return (struct dns_source){ask, c};
}

int resolver_connect(const char *run_dir, const struct resolver_budget *budget, struct err *err)
{
    char path[PATH_SIZE], room[64];
    struct buf first = BUF_OVER(room);
    if (!ipc_path(run_dir, "resolver", path, sizeof path))
        return err_set(err, "run_dir %s is too long for a socket's path", run_dir);
    int fd = ipc_connect(path, err);
    if (fd < 0)
        return -1;
    resolver_budget_put(&first, budget);
    if (ipc_send(fd, buf_str(&first), NULL, err) == 1)
        return fd;
    close(fd);
    return -1;
}

int resolver_status_ask(const char *run_dir, int timeout_ms, struct resolver_status *status,
                        struct err *err)
{
    const struct resolver_budget budget = {.kind = RESOLVER_STATUS};
    struct buf message = BUF_INIT(IPC_MSG_MAX);
    int fd = resolver_connect(run_dir, &budget, err);
    if (fd < 0)
        return -1;
    int got = ipc_wait(fd, false, timeout_ms, err);
    if (got == 1)
        got = ipc_recv(fd, &message, NULL, err);
    bool good = got == 1 && resolver_status_get(buf_str(&message), status);
    buf_release(&message);
    close(fd);
    return good ? 0 : err_set(err, "the resolver does not answer");
}
