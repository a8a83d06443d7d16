/* service: what edge and the tools say over the service socket (spool/notice.h). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/recipient.h"
#include "gateway/delivery/answers.h"
#include "gateway/delivery/frozen.h"
#include "gateway/delivery/orders.h"
#include "gateway/loop.h"

#define BEHIND_MAX 256 /* answers of one connection that wait: then it is not read from */

struct caller {
    struct service *service;
    int fd; /* -1: free */
    struct event *readable;
    uint64_t visit; /* whose answer it is, if others had this place before */
    size_t behind;  /* answers that wait (answers.h) */
};

struct service {
    struct delivery *delivery;
    struct event *door;
    struct caller callers[DELIVERY_SERVICE_MAX];
    struct answers *answers;
    struct buf message;
    struct buf reply;
};

/* --- notices --- */

/* Where it goes, and nowhere else: many are asked for one after another. The job may go meanwhile.
 */
static void hurry_hops_of(struct delivery *delivery, struct str id)
{
    const struct job *job;
    const struct hop *last = NULL;
    for (size_t i = 0; (job = job_find(delivery, id)) != NULL && i < job->n_legs; i++) {
        struct hop *hop = job->legs[i].hop;
        if (hop && hop != last && job->legs[i].state != LEG_DONE)
            hop_hurry(hop);
        last = hop;
    }
}

static int flush(struct delivery *delivery, struct str id, struct err *err)
{
    if (id.n) {
        struct job *job = job_find(delivery, id);
        bool held = job ? job->hold_us != 0 : resting_has(&delivery->resting, id);
        if (held)
            return err_set(err, "%.*s is on hold: `poterne queue release` lets it go", STR_ARG(id));
        if (job == NULL || job->n_open == 0)
            return job_absent(delivery, id, err);
        legs_hurry(job);
        hurry_hops_of(delivery, id);
        return 1;
    }
    int n = 0;
    for (size_t i = 0; i < delivery->jobs.n_slots; i++)
        for (struct job *job = delivery->jobs.slots[i]; job; job = job->same_hash) {
            if (job->n_open == 0 || job->hold_us)
                continue;
            legs_hurry(job);
            n++;
        }
    hops_hurry(delivery);
    return n;
}

/* --- answers --- */

static void caller_leave(struct caller *caller)
{
    if (caller->readable)
        event_free(caller->readable);
    caller->readable = NULL;
    caller->visit++;
    caller->behind = 0;
    fsio_close_quiet(&caller->fd);
}

/* One that can't be sent ends the connection: those behind it would be taken for it. */
static void send_answer(struct caller *caller, bool done, struct str text)
{
    struct buf *reply = &caller->service->reply;
    const struct notice_reply said = {.done = done, .text = text};
    struct err err = {"the caller does not read"};
    buf_clear(reply);
    notice_reply_put(reply, &said);
    if (ipc_send(caller->fd, buf_str(reply), NULL, &err) == 1)
        return;
    log_warning("the answer to a request can't be sent: %s", err.text);
    caller_leave(caller);
}

/* One that waited (answers.h). */
static void say_now(void *data, struct answer_to to, bool done, struct str text)
{
    struct service *service = data;
    struct caller *caller = &service->callers[to.place];
    if (caller->visit != to.visit || caller->fd < 0)
        return;
    struct err err;
    if (caller->behind-- == BEHIND_MAX && caller->readable &&
        loop_add(caller->readable, NULL, &err) < 0) {
        log_warning("requests can't be read any more: %s", err.text);
        caller_leave(caller);
        return;
    }
    send_answer(caller, done, text);
}

static void say_answer(struct caller *caller, const struct answer *answer)
{
    struct service *service = caller->service;
    const struct answer_to to = {.place = (size_t)(caller - service->callers),
                                 .visit = caller->visit};
    struct err err;
    if (caller->behind == 0 && !answer->written) {
        send_answer(caller, answer->done, answer->text);
        return;
    }
    if (answers_add(service->answers, to, answer, &err) < 0) {
        log_warning("the answer to a request can't be sent: %s", err.text);
        caller_leave(caller);
        return;
    }
    if (++caller->behind == BEHIND_MAX)
        event_del(caller->readable);
}

static void say_text(struct caller *caller, bool done, struct str text)
{
    const struct answer answer = {.done = done, .text = text, .fd = -1};
    say_answer(caller, &answer);
}

static void say(struct caller *caller, bool done, const char *text)
{
    say_text(caller, done, str_of(text));
}

/* Of those that mail waits for. */
static void say_hops(struct caller *caller, uint32_t pass_over)
{
    struct buf text = BUF_INIT(2 * NOTICE_HOPS_BYTES);
    const struct hop *hop = caller->service->delivery->hops;
    for (; hop && text.n < NOTICE_HOPS_BYTES; hop = hop->next) {
        const struct notice_hop state = {.name = str_of(hop->text),
                                         .waiting = (uint32_t)hop->users,
                                         .lanes = hop->n_lanes,
                                         .down = hop->down,
                                         .again_s = hop->down ? hop_again_in(hop) : 0,
                                         .error = str_of(hop->down ? hop->error : "")};
        if (hop->users && pass_over == 0)
            notice_hop_put(&text, &state);
        pass_over -= hop->users && pass_over;
    }
    if (buf_ok(&text))
        say_text(caller, true, buf_str(&text));
    else
        say(caller, false, "out of memory");
    buf_release(&text);
}

/* n < 0: refused, err says why. */
static void answer(struct caller *caller, const char *what, int n, const struct err *err)
{
    char text[64];
    snprintf(text, sizeof text, what, n);
    say(caller, n >= 0, n >= 0 ? text : err->text);
}

static void act_order(struct caller *caller, const struct notice *notice)
{
    struct orders_said said = {.fd = -1};
    struct err err = {""};
    int result = orders_give(caller->service->delivery, notice, &said, &err);
    const struct answer answer = {.done = result == 0,
                                  .text = str_of(result == 0 ? said.text : err.text),
                                  .written = result == 0,
                                  .fd = said.fd};
    say_answer(caller, &answer);
}

static void act(struct caller *caller, const struct notice *notice)
{
    struct delivery *delivery = caller->service->delivery;
    char id[SPOOL_ID_LEN + 1];
    struct err err = {""};
    str_copy(notice->id, id, sizeof id);
    switch (notice->kind) {
    case NOTICE_QUEUED:
        job_adopt(delivery, id);
        break;
    case NOTICE_HELD:
        job_adopt_held(delivery, id);
        break;
    case NOTICE_FLUSH:
        answer(caller, "%d messages are tried now", flush(delivery, notice->id, &err), &err);
        break;
    case NOTICE_RELEASE:
        answer(caller, "released to %d recipients",
               decide_held(delivery, notice, RCPT_RELEASED, &err), &err);
        break;
    case NOTICE_RELEASE_TO:
        answer(caller, "%d copy released", decide_copy(delivery, notice, &err), &err);
        break;
    case NOTICE_DELETE:
        answer(caller, "deleted for %d recipients",
               decide_held(delivery, notice, RCPT_DELETED, &err), &err);
        break;
    case NOTICE_THAWED:
        answer(caller, "%d messages go on", frozen_thawed(delivery, notice->address), &err);
        break;
    case NOTICE_SET_ASIDE:
        answer(caller, "%d messages go to quarantine",
               frozen_set_aside(delivery, notice->address,
                                str_sub(notice->why, 0, SPOOL_DETAIL_MAX), &err),
               &err);
        break;
    case NOTICE_HOLD:
    case NOTICE_RESUME:
    case NOTICE_REQUEUE:
    case NOTICE_DROP:
    case NOTICE_DROP_TELL:
        act_order(caller, notice);
        break;
    case NOTICE_HOPS:
        say_hops(caller, notice->recipient);
        break;
    case NOTICE_EXPIRE:
        expire_now(delivery);
        say(caller, true, "what was held long enough is removed now");
        break;
    }
}

/* --- the socket --- */

/* It is there, and not too many answers ahead. */
static bool may_ask(const struct caller *caller)
{
    return caller->fd >= 0 && caller->behind < BEHIND_MAX;
}

static void on_caller(evutil_socket_t fd, short what, void *data)
{
    struct caller *caller = data;
    struct service *service = caller->service;
    int64_t until = clock_us() + (int64_t)DELIVERY_ROUND_MS * 1000;
    for (unsigned i = 0; i < DELIVERY_ROUND && may_ask(caller) && clock_us() < until; i++) {
        struct err err;
        struct notice notice;
        int got = ipc_recv(fd, &service->message, NULL, &err);
        if (got == 0)
            break;
        if (got == 1 && notice_get(buf_str(&service->message), &notice)) {
            act(caller, &notice);
            continue;
        }
        if (got != IPC_EOF)
            log_warning("service socket: %s", got == 1 ? "a notice that can't be read" : err.text);
        caller_leave(caller);
    }
    answers_go(service->answers);
}

static struct caller *free_caller(struct service *service)
{
    for (size_t i = 0; i < DELIVERY_SERVICE_MAX; i++)
        if (service->callers[i].fd < 0)
            return &service->callers[i];
    return NULL;
}

static void on_door(evutil_socket_t door, short what, void *data)
{
    struct service *service = data;
    struct err err;
    int fd = ipc_accept(door, &err);
    struct caller *caller = fd < 0 ? NULL : free_caller(service);
    if (fd < 0)
        return;
    if (caller == NULL) {
        log_warning("more than %d connections to the service socket", DELIVERY_SERVICE_MAX);
        fsio_close_quiet(&fd);
        return;
    }
    caller->fd = fd;
    caller->readable =
        event_new(service->delivery->base, fd, EV_READ | EV_PERSIST, on_caller, caller);
    if (caller->readable == NULL || event_add(caller->readable, NULL) < 0)
        caller_leave(caller);
}

int service_start(struct delivery *delivery, struct err *err)
{
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL)
        return err_set(err, "out of memory for the service socket");
    delivery->service = service;
    service->delivery = delivery;
    buf_init(&service->message, IPC_MSG_MAX);
    buf_init(&service->reply, IPC_MSG_MAX);
    for (size_t i = 0; i < DELIVERY_SERVICE_MAX; i++)
        service->callers[i] = (struct caller){.service = service, .fd = -1};
    service->answers = answers_start(delivery->base, delivery->spool, say_now, service, err);
    if (service->answers == NULL)
        return -1;
    if (delivery->env->service_fd < 0)
        return 0;
    service->door = event_new(delivery->base, delivery->env->service_fd, EV_READ | EV_PERSIST,
                              on_door, service);
    if (service->door == NULL || event_add(service->door, NULL) < 0)
        return err_set(err, "out of memory for the service socket");
    return 0;
}

void service_stop(struct delivery *delivery)
{
    struct service *service = delivery->service;
    if (service == NULL)
        return;
    if (service->door)
        event_free(service->door);
    answers_stop(&service->answers);
    for (size_t i = 0; i < DELIVERY_SERVICE_MAX; i++)
        if (service->callers[i].fd >= 0)
            caller_leave(&service->callers[i]);
    buf_release(&service->message);
    buf_release(&service->reply);
    free(service);
    delivery->service = NULL;
}
