#include "gateway/resolver/client.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define PATH_SIZE 128

void resolver_client_init(struct resolver_client *c, int fd, const struct known *known)
{
    *c = (struct resolver_client){.fd = fd,
                                  .known = known,
                                  .number = known ? known_last(known) : 0,
                                  .broken = fd < 0};
    buf_init(&c->fresh, RESOLVER_NEW_MAX);
    buf_init(&c->message, IPC_MSG_MAX);
}

void resolver_client_release(struct resolver_client *c)
{
    buf_release(&c->fresh);
    buf_release(&c->message);
}

static int time_left(int64_t end)
{
    int64_t left = end - clock_ms();
    return left > 0 ? (int)left : 0;
}

/* All of them in one message: DNS_QUESTIONS_MAX of the longest names fit. The number of the query
 * list[i] is the last one before, plus 1, plus i. */
static size_t put_questions(struct resolver_client *c, const struct dns_query *list, size_t n)
{
    size_t open = 0;
    buf_clear(&c->message);
    for (size_t i = 0; i < n; i++) {
        if (list[i].status != DNS_ASKED_NOT)
            continue;
        resolver_question_put(&c->message, c->number + 1 + (uint32_t)i, list[i].type, list[i].name);
        open++;
    }
    return open;
}

static bool fits(const struct resolver_client *c, struct str message)
{
    return c->fresh.n + known_size(message) <= RESOLVER_NEW_MAX;
}

static int send_questions(struct resolver_client *c, struct err *err)
{
    int sent = 0;
    if (!buf_ok(&c->message))
        return err_set(err, "no memory for questions");
    while (sent == 0) {
        if (ipc_wait(c->fd, true, RESOLVER_GRACE_MS, err) != 1)
            return err_set(err, "it takes no question");
        sent = ipc_send(c->fd, buf_str(&c->message), NULL, err);
    }
    known_put(&c->fresh, KNOWN_QUESTIONS, buf_str(&c->message));
    return sent == 1 ? 0 : -1;
}

/* A large answer, and one that finds no room, is asked for again: the resolver has it. */
static void keep_answer(struct resolver_client *c, uint32_t number)
{
    struct str answer = buf_str(&c->message);
    char room[8];
    struct buf again = BUF_OVER(room);
    if (answer.n <= KNOWN_SMALL && fits(c, answer)) {
        known_put(&c->fresh, KNOWN_ANSWER, answer);
        return;
    }
    wire_u32(&again, number);
    if (fits(c, buf_str(&again)))
        known_put(&c->fresh, KNOWN_AGAIN, buf_str(&again));
}

/* One answer; those to questions of earlier times, for which nobody waits any more, are passed by.
 */
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
    resolver_answer_fill(&answer, &list[i]);
    keep_answer(c, number);
    --*open;
    return 0;
}

/* Those that come at once. */
static int take_answers(struct resolver_client *c, struct pool *pool, struct dns_query *list,
                        size_t n, size_t *open, struct err *err)
{
    int64_t end = clock_ms() + RESOLVER_QUICK_MS;
    while (*open > 0) {
        int ready = ipc_wait(c->fd, false, time_left(end), err);
        if (ready <= 0)
            return ready;
        int got = ipc_recv(c->fd, &c->message, NULL, err);
        if (got == IPC_EOF)
            return err_set(err, "it has gone");
        if (got < 0 || (got == 1 && take_answer(c, pool, list, n, open, err) < 0))
            return -1;
    }
    return 0;
}

static int ask_round(struct resolver_client *c, struct pool *pool, struct dns_query *list, size_t n,
                     struct err *err)
{
    size_t open = put_questions(c, list, n);
    if (open == 0)
        return 0;
    if (!fits(c, buf_str(&c->message))) { /* asked when it is judged again */
        c->put_off = true;
        return 0;
    }
    if (send_questions(c, err) < 0 ||
        (!c->put_off && take_answers(c, pool, list, n, &open, err) < 0))
        return -1;
    c->open += open;
    c->put_off = c->put_off || open > 0;
    return 0;
}

static void fill_known(const struct resolver_client *c, struct dns_query *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].status != DNS_ASKED_NOT)
            continue;
        /* names that can't be asked for could fill the message with what is no name */
        if (!dns_name_ok(list[i].name))
            list[i].status = DNS_BAD_NAME;
        else if (c->known)
            known_answer(c->known, &list[i]);
    }
}

static void ask(void *data, struct pool *pool, struct dns_query *list, size_t n)
{
    struct resolver_client *c = data;
    struct err err = {""};
    size_t now = n < DNS_QUESTIONS_MAX ? n : DNS_QUESTIONS_MAX;
    fill_known(c, list, now);
    if (!c->broken && ask_round(c, pool, list, now, &err) < 0) {
        log_warning("the resolver: %s; nothing more is asked for this message", err.text);
        c->broken = true;
        c->put_off = false; /* nobody would answer who waits */
    }
    c->number += (uint32_t)now;
    for (size_t i = 0; i < n; i++)
        if (list[i].status == DNS_ASKED_NOT)
            list[i].status = DNS_TEMP_FAILED;
}

struct dns_source resolver_client_source(struct resolver_client *c)
{
    return (struct dns_source){.ask = ask, .data = c, .put_off = &c->put_off};
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
