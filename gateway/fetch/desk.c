#include "gateway/fetch/desk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/link.h"

#define WAITING_MAX ((size_t)1024 * 1024)

/* The newest first. */
struct question {
    struct question *next;
    fetch_answered *answered;
    void *asker; /* NULL with `answered`: cancelled */
    uint32_t number;
    int64_t until_ms;
};

struct fetch_desk {
    struct link *link;
    struct question *open;
    size_t n_open;
    uint32_t number;
    struct buf message; /* its room is taken once: one that grew would leave copies behind */
};

/* It is in no list any more, so the answer may bring new questions and cancel others. */
static void answer_and_free(struct fetch_desk *d, struct question *q,
                            const struct fetch_answer *answer)
{
    d->n_open--;
    if (q->answered)
        q->answered(q->asker, answer);
    free(q);
}

static void on_message(void *data, struct str message)
{
    struct fetch_desk *d = data;
    struct fetch_answer answer;
    if (!fetch_answer_get(message, &answer)) {
        log_warning("fetch: malformed answer");
        return;
    }
    for (struct question **link = &d->open; *link; link = &(*link)->next) {
        struct question *q = *link;
        if (q->number != answer.number)
            continue;
        *link = q->next;
        answer_and_free(d, q, &answer);
        return;
    }
}

/* Those whose time was over at `now`; the list may change under every answer. */
static void fail_older(struct fetch_desk *d, int64_t now, uint32_t last)
{
    struct question **link = &d->open;
    while (*link) {
        struct question *q = *link;
        const struct fetch_answer away = {.number = q->number,
                                          .result = FETCH_AWAY,
                                          .note = STR("poterne-fetch does not answer")};
        if (q->until_ms > now || (int32_t)(q->number - last) > 0) {
            link = &q->next;
            continue;
        }
        *link = q->next;
        answer_and_free(d, q, &away);
        link = &d->open;
    }
}

/* What is open is lost with the connection; what its answers bring goes over the next one. */
static void on_lost(void *data)
{
    struct fetch_desk *d = data;
    fail_older(d, INT64_MAX, d->number);
}

struct fetch_desk *fetch_desk_open(struct event_base *base, const char *run_dir, struct err *err)
{
    struct fetch_desk *d = calloc(1, sizeof *d);
    if (d == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    const struct link_hooks hooks = {.message = on_message,
                                     .again = on_lost,
                                     .gone = on_lost,
                                     .data = d};
    buf_init(&d->message, IPC_MSG_MAX);
    if (buf_room(&d->message, IPC_MSG_MAX) == NULL)
        err_set(err, "out of memory");
    else
        d->link = link_new(base, run_dir, "fetch", WAITING_MAX, &hooks, err);
    if (d->link == NULL)
        fetch_desk_close(&d);
    return d;
}

void fetch_desk_close(struct fetch_desk **desk)
{
    struct fetch_desk *d = *desk;
    *desk = NULL;
    if (d == NULL)
        return;
    while (d->open) {
        struct question *q = d->open;
        d->open = q->next;
        free(q);
    }
    link_free(&d->link);
    buf_release(&d->message);
    free(d);
}

static bool send_request(struct fetch_desk *d, struct fetch_request request, uint32_t number)
{
    request.number = number;
    buf_clear(&d->message);
    fetch_request_put(&d->message, &request);
    bool sent = buf_ok(&d->message) && link_send(d->link, buf_str(&d->message)) == LINK_SENT;
    explicit_bzero(d->message.p, d->message.n);
    return sent;
}

bool fetch_desk_ask(struct fetch_desk *d, const struct fetch_request *request,
                    fetch_answered *answered, void *asker)
{
    struct question *q = d->n_open < FETCH_DESK_OPEN_MAX ? calloc(1, sizeof *q) : NULL;
    if (q == NULL || !send_request(d, *request, ++d->number)) {
        free(q);
        return false;
    }
    *q = (struct question){.next = d->open,
                           .answered = answered,
                           .asker = asker,
                           .number = d->number,
                           .until_ms = clock_ms() + request->milliseconds + FETCH_GRACE_MS};
    d->open = q;
    d->n_open++;
    return true;
}

void fetch_desk_cancel(struct fetch_desk *d, const void *asker)
{
    for (struct question *q = d->open; q; q = q->next) {
        if (q->asker != asker)
            continue;
        q->answered = NULL;
        q->asker = NULL;
    }
}

void fetch_desk_tick(struct fetch_desk *d)
{
    link_tick(d->link);
    fail_older(d, clock_ms(), d->number);
}
