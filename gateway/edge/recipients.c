#include "gateway/edge/recipients.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/link.h"

#define WAITING_MAX (4 * 1024 * 1024)
#define TRIES_MAX   2

/* In the order in which they were asked, so that the first is the oldest. */
struct question {
    struct question *next;
    void *asker; /* NULL: cancelled */
    uint32_t ticket, number;
    unsigned tries;
    bool hopeless;
    time_t asked;
    size_t n, n_sender;
    char texts[]; /* address and sender */
};

struct recipients_desk {
    struct link *link;
    recipients_answered *answered;
    struct question *first, *last;
    size_t n;
    uint32_t number;
    struct buf request;
};

static void append(struct recipients_desk *d, struct question *q)
{
    if (d->last)
        d->last->next = q;
    else
        d->first = q;
    d->last = q;
    d->n++;
}

/* Takes `q` out, whose predecessor is `before`. */
static void take_out(struct recipients_desk *d, struct question *before, struct question *q)
{
    if (before)
        before->next = q->next;
    else
        d->first = q->next;
    if (d->last == q)
        d->last = before;
    d->n--;
}

/* It is in no list any more, so the answer may bring new questions and cancel others. */
static void answer_and_free(struct recipients_desk *d, struct question *q,
                            const struct directory_answer *answer)
{
    static const struct directory_answer unavailable = {.result = DIRECTORY_UNAVAILABLE};
    if (q->asker)
        d->answered(q->asker, q->ticket, answer ? answer : &unavailable);
    free(q);
}

/* Answers all that `wanted` names, from the oldest on; the list may change under every answer. */
static void fail_those(struct recipients_desk *d, bool (*wanted)(const struct question *q))
{
    for (;;) {
        struct question *before = NULL;
        struct question *q = d->first;
        for (; q && !wanted(q); q = q->next)
            before = q;
        if (q == NULL)
            return;
        take_out(d, before, q);
        answer_and_free(d, q, NULL);
    }
}

/* False: it was not sent and will not be. */
static bool send_question(struct recipients_desk *d, struct question *q)
{
    q->tries++;
    buf_clear(&d->request);
    struct directory_request request = {
        .number = q->number,
        .wish = WISH_RECIPIENT,
        .address = str_n(q->texts, q->n),
        .sender = str_n(q->texts + q->n, q->n_sender),
    };
    directory_request_put(&d->request, &request);
    if (!buf_ok(&d->request))
        return false;
    enum link_sent sent = link_send(d->link, buf_str(&d->request));
    return sent == LINK_SENT || sent == LINK_BROKE;
}

static void on_answer(void *data, struct str message)
{
    struct recipients_desk *d = data;
    struct directory_answer answer;
    uint32_t number;
    if (!directory_reply_get(message, &number, &answer)) {
        log_warning("directory: malformed reply");
        return;
    }
    struct question *before = NULL;
    struct question *q = d->first;
    for (; q && q->number != number; q = q->next)
        before = q;
    if (q == NULL)
        return;
    take_out(d, before, q);
    answer_and_free(d, q, &answer);
}

static bool is_hopeless(const struct question *q)
{
    return q->hopeless;
}

/* A new directory process is there (a reload, or the old one died): ask it what is open. What has
 * now ended two of them is not asked again. */
static void on_again(void *data)
{
    struct recipients_desk *d = data;
    for (struct question *q = d->first; q; q = q->next)
        q->hopeless = q->tries >= TRIES_MAX || !send_question(d, q);
    fail_those(d, is_hopeless);
}

static void on_gone(void *data)
{
    struct recipients_desk *d = data;
    for (struct question *q = d->first; q; q = q->next)
        q->hopeless = true;
    fail_those(d, is_hopeless);
}

struct recipients_desk *recipients_open(struct event_base *base, const char *run_dir,
                                        recipients_answered *answered, struct err *err)
{
    struct recipients_desk *d = calloc(1, sizeof *d);
    if (d == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    struct link_hooks hooks = {.message = on_answer, .again = on_again, .gone = on_gone, .data = d};
    d->answered = answered;
    buf_init(&d->request, IPC_MSG_MAX);
    d->link = link_new(base, run_dir, "directory", WAITING_MAX, &hooks, err);
    if (d->link == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void recipients_close(struct recipients_desk **desk)
{
    struct recipients_desk *d = *desk;
    if (d == NULL)
        return;
    while (d->first) {
        struct question *q = d->first;
        d->first = q->next;
        free(q);
    }
    link_free(&d->link);
    buf_release(&d->request);
    free(d);
    *desk = NULL;
}

static struct question *make_question(struct recipients_desk *d, void *asker, uint32_t ticket,
                                      struct str address, struct str sender)
{
    struct question *q =
        d->n < RECIPIENTS_OPEN_MAX ? calloc(1, sizeof *q + address.n + sender.n) : NULL;
    if (q == NULL)
        return NULL;
    q->asker = asker;
    q->ticket = ticket;
    q->number = ++d->number;
    q->asked = clock_seconds();
    q->n = address.n;
    q->n_sender = sender.n;
    memcpy(q->texts, address.s, address.n);
    if (sender.n)
        memcpy(q->texts + address.n, sender.s, sender.n);
    return q;
}

void recipients_ask(struct recipients_desk *d, void *asker, uint32_t ticket, struct str address,
                    struct str sender)
{
    struct question *q = make_question(d, asker, ticket, address, sender);
    if (q && send_question(d, q)) {
        append(d, q);
        return;
    }
    free(q);
    d->answered(asker, ticket, &(struct directory_answer){.result = DIRECTORY_UNAVAILABLE});
}

void recipients_cancel(struct recipients_desk *d, const void *asker)
{
    for (struct question *q = d->first; q; q = q->next)
        if (q->asker == asker)
            q->asker = NULL;
}

static bool is_late(const struct question *q)
{
    return clock_seconds() - q->asked > RECIPIENTS_TIMEOUT;
}

void recipients_tick(struct recipients_desk *d)
{
    link_tick(d->link);
    if (d->first && is_late(d->first)) {
        log_warning("directory: no answer within %d s", RECIPIENTS_TIMEOUT);
        fail_those(d, is_late);
    }
}
