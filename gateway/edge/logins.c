#include "gateway/edge/logins.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/link.h"

#define WAITING_MAX (256 * 1024)
#define REQUEST_MAX 4096

/* The newest first. */
struct question {
    struct question *next;
    void *asker; /* NULL: cancelled */
    uint32_t number;
    time_t asked;
};

struct logins_desk {
    struct link *link;
    logins_answered *answered;
    struct question *open;
    uint32_t number;
    char request[REQUEST_MAX]; /* a buffer that grew would leave copies behind */
};

static const struct login_answer away = {.result = LOGIN_AWAY,
                                         .note = "the directory process can't be asked"};

/* It is in no list any more, so the answer may bring a new question and cancel others. */
static void answer_and_free(struct logins_desk *d, struct question *q,
                            const struct login_answer *answer)
{
    if (q->asker)
        d->answered(q->asker, answer);
    free(q);
}

static void on_answer(void *data, struct str message)
{
    struct logins_desk *d = data;
    struct login_answer answer;
    uint32_t number;
    if (!login_reply_get(message, &number, &answer)) {
        log_warning("directory: malformed answer to a login");
        return;
    }
    for (struct question **link = &d->open; *link; link = &(*link)->next) {
        struct question *q = *link;
        if (q->number != number)
            continue;
        *link = q->next;
        answer_and_free(d, q, &answer);
        return;
    }
}

/* Those that were asked before `until`; the list may change under every answer. */
static void fail_older(struct logins_desk *d, time_t until)
{
    struct question **link = &d->open;
    while (*link) {
        struct question *q = *link;
        if (q->asked >= until) {
            link = &q->next;
            continue;
        }
        *link = q->next;
        answer_and_free(d, q, &away);
        link = &d->open;
    }
}

static void on_lost(void *data)
{
    fail_older(data, clock_seconds() + 1);
}

struct logins_desk *logins_open(struct event_base *base, const char *run_dir,
                                logins_answered *answered, struct err *err)
{
    struct logins_desk *d = calloc(1, sizeof *d);
    if (d == NULL) {
        err_set(err, "out of memory");
        return NULL;
    }
    const struct link_hooks hooks = {.message = on_answer,
                                     .again = on_lost,
                                     .gone = on_lost,
                                     .data = d};
    d->answered = answered;
    d->link = link_new(base, run_dir, "directory", WAITING_MAX, &hooks, err);
    if (d->link == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void logins_close(struct logins_desk **desk)
{
    struct logins_desk *d = *desk;
    if (d == NULL)
        return;
    while (d->open) {
        struct question *q = d->open;
        d->open = q->next;
        free(q);
    }
    link_free(&d->link);
    free(d);
    *desk = NULL;
}

static bool send_question(struct logins_desk *d, const struct directory_request *request)
{
    struct buf message = BUF_OVER(d->request);
    directory_request_put(&message, request);
    bool sent = buf_ok(&message) && link_send(d->link, buf_str(&message)) == LINK_SENT;
    explicit_bzero(d->request, sizeof d->request);
    return sent;
}

static void ask(struct logins_desk *d, void *asker, const struct directory_request *request)
{
    struct question *q = calloc(1, sizeof *q);
    if (q)
        *q = (struct question){.asker = asker, .number = request->number, .asked = clock_seconds()};
    if (q && send_question(d, request)) {
        q->next = d->open;
        d->open = q;
        return;
    }
    free(q);
    d->answered(asker, &away);
}

void logins_ask(struct logins_desk *d, void *asker, struct str user, struct str password, bool more)
{
    ask(d, asker,
        &(struct directory_request){.number = ++d->number,
                                    .wish = WISH_LOGIN,
                                    .address = user,
                                    .password = password,
                                    .factor = more});
}

void logins_find(struct logins_desk *d, void *asker, struct str user)
{
    ask(d, asker,
        &(struct directory_request){.number = ++d->number, .wish = WISH_USER, .address = user});
}

void logins_cancel(struct logins_desk *d, const void *asker)
{
    for (struct question *q = d->open; q; q = q->next)
        if (q->asker == asker)
            q->asker = NULL;
}

void logins_tick(struct logins_desk *d)
{
    link_tick(d->link);
    fail_older(d, clock_seconds() - LOGINS_TIMEOUT);
}
