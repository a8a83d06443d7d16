/* service: what edge and the tools say over the service socket (spool/notice.h). */
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/recipient.h"
#include "gateway/delivery/frozen.h"
#include "gateway/delivery/orders.h"

struct caller {
    struct service *service;
    int fd; /* -1: free */
    struct event *readable;
};

struct service {
    struct delivery *delivery;
    struct event *door;
    struct caller callers[DELIVERY_SERVICE_MAX];
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
        if (job == NULL || job->n_open == 0)
            return job_absent(delivery, id, err);
        if (job->hold_us)
            return err_set(err, "%.*s is on hold: `poterne queue release` lets it go", STR_ARG(id));
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

static void say_text(struct service *service, const struct caller *caller, bool done,
                     struct str text)
{
    const struct notice_reply reply = {.done = done, .text = text};
    struct err err = {"the caller does not read"};
    buf_clear(&service->reply);
    notice_reply_put(&service->reply, &reply);
    if (ipc_send(caller->fd, buf_str(&service->reply), NULL, &err) != 1)
        log_warning("the answer to a request can't be sent: %s", err.text);
}

static void say(struct service *service, const struct caller *caller, bool done, const char *text)
{
    say_text(service, caller, done, str_of(text));
}

/* Of those that mail waits for. */
static void say_hops(struct service *service, const struct caller *caller, uint32_t pass_over)
{
    struct buf text = BUF_INIT(2 * NOTICE_HOPS_BYTES);
    const struct hop *hop = service->delivery->hops;
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
        say_text(service, caller, true, buf_str(&text));
    else
        say(service, caller, false, "out of memory");
    buf_release(&text);
}

/* n < 0: refused, err says why. */
static void answer(struct service *service, const struct caller *caller, const char *what, int n,
                   const struct err *err)
{
    char text[64];
    snprintf(text, sizeof text, what, n);
    say(service, caller, n >= 0, n >= 0 ? text : err->text);
}

static void act_order(struct service *service, const struct caller *caller,
                      const struct notice *notice)
{
    char said[ORDERS_SAID_MAX] = "";
    struct err err = {""};
    int result = orders_give(service->delivery, notice, said, &err);
    say(service, caller, result == 0, result == 0 ? said : err.text);
}

static void act(struct service *service, const struct caller *caller, const struct notice *notice)
{
    struct delivery *delivery = service->delivery;
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
        answer(service, caller, "%d messages are tried now", flush(delivery, notice->id, &err),
               &err);
        break;
    case NOTICE_RELEASE:
        answer(service, caller, "released to %d recipients",
               decide_held(delivery, notice, RCPT_RELEASED, &err), &err);
        break;
    case NOTICE_RELEASE_TO:
        answer(service, caller, "%d copy released", decide_copy(delivery, notice, &err), &err);
        break;
    case NOTICE_DELETE:
        answer(service, caller, "deleted for %d recipients",
               decide_held(delivery, notice, RCPT_DELETED, &err), &err);
        break;
    case NOTICE_THAWED:
        answer(service, caller, "%d messages go on", frozen_thawed(delivery, notice->address),
               &err);
        break;
    case NOTICE_SET_ASIDE:
        answer(service, caller, "%d messages go to quarantine",
               frozen_set_aside(delivery, notice->address,
                                str_sub(notice->why, 0, SPOOL_DETAIL_MAX), &err),
               &err);
        break;
    case NOTICE_HOLD:
    case NOTICE_RESUME:
    case NOTICE_REQUEUE:
    case NOTICE_DROP:
    case NOTICE_DROP_TELL:
        act_order(service, caller, notice);
        break;
    case NOTICE_HOPS:
        say_hops(service, caller, notice->recipient);
        break;
    case NOTICE_EXPIRE:
        expire_now(delivery);
        say(service, caller, true, "what was held long enough is removed now");
        break;
    }
}

/* --- the socket --- */

static void caller_leave(struct caller *caller)
{
    if (caller->readable)
        event_free(caller->readable);
    caller->readable = NULL;
    fsio_close_quiet(&caller->fd);
}

static void on_caller(evutil_socket_t fd, short what, void *data)
{
    struct caller *caller = data;
    struct service *service = caller->service;
    for (unsigned i = 0; i < DELIVERY_ROUND; i++) {
        struct err err;
        struct notice notice;
        int got = ipc_recv(fd, &service->message, NULL, &err);
        if (got == 0)
            return;
        if (got == 1 && notice_get(buf_str(&service->message), &notice)) {
            act(service, caller, &notice);
            continue;
        }
        if (got != IPC_EOF)
            log_warning("service socket: %s", got == 1 ? "a notice that can't be read" : err.text);
        caller_leave(caller);
        return;
    }
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
    for (size_t i = 0; i < DELIVERY_SERVICE_MAX; i++)
        if (service->callers[i].fd >= 0)
            caller_leave(&service->callers[i]);
    buf_release(&service->message);
    buf_release(&service->reply);
    free(service);
    delivery->service = NULL;
}
