#include "gateway/resolver/service.h"

#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/log.h"
#include "gateway/loop.h"

#define TURN_MESSAGES 16  /* of one asker, before the others have their turn */
#define TICK_MS       250 /* how often open questions are looked at */
#define PROBE_MS      1000
#define PROBE_NAME    (DNS_NAME_MAX + 32)

/* A question that is open. Its asker may be gone; the library gives it back all the same. */
struct lookup {
    struct lookup *prev, *next;     /* all, the oldest first */
    struct lookup *before, *behind; /* those of its asker */
    struct service *service;
    struct asker *asker; /* NULL: nobody waits any more */
    uint32_t number;
    enum dns_type type;
    int64_t asked_us;
    bool calling;  /* the library has not come back from being asked */
    bool answered; /* while calling */
    bool silent;   /* counted as such */
    bool probe;    /* of nobody (health.h) */
};

struct asker {
    struct asker *prev, *next;
    struct service *service;
    int fd;
    struct event readable, writable, deadline;
    struct buf unsent;           /* u32 length and message, in a row */
    struct resolver_budget said; /* kind 0: nothing yet */
    int64_t end;                 /* of its time, in clock_ms(); 0: that does not run yet */
    bool late;                   /* … and is over */
    bool gone;                   /* closed, and freed with the next tick */
    size_t n_open;
    struct lookup *first;
};

struct service {
    const struct conf *conf;
    struct event_base *base;
    struct unbound *unbound;
    struct event listener, tick;
    bool draining;
    struct asker *askers;
    struct asker *dead; /* closed since the last tick */
    size_t n_askers, n_busy;
    struct lookup *first, *last;
    size_t n_open;
    struct health health;
    struct resolver_status counts;
    int64_t began, probed;
    unsigned probes;
    struct pool *pool;  /* of the answer under way */
    struct buf message; /* that came */
    struct buf reply;
};

/* --- open questions --- */

static void lookup_link(struct lookup *l)
{
    struct service *s = l->service;
    l->prev = s->last;
    if (s->last)
        s->last->next = l;
    else
        s->first = l;
    s->last = l;
    s->n_open++;
}

/* Nobody waits for it any more. */
static void lookup_leave(struct lookup *l)
{
    struct asker *a = l->asker;
    if (a == NULL)
        return;
    if (l->before)
        l->before->behind = l->behind;
    else
        a->first = l->behind;
    if (l->behind)
        l->behind->before = l->before;
    l->asker = NULL;
    a->n_open--;
}

static void lookup_join(struct lookup *l, struct asker *a)
{
    l->asker = a;
    l->before = NULL;
    l->behind = a->first;
    if (a->first)
        a->first->before = l;
    a->first = l;
    a->n_open++;
}

static void lookup_free(struct lookup *l)
{
    struct service *s = l->service;
    lookup_leave(l);
    if (l->prev)
        l->prev->next = l->next;
    else
        s->first = l->next;
    if (l->next)
        l->next->prev = l->prev;
    else
        s->last = l->prev;
    s->n_open--;
    free(l);
}

/* --- askers --- */

/* Where the loop has no memory for it the next tick tries again. */
static void listen_with_room(struct service *s)
{
    if (!s->draining && s->n_askers < SERVICE_ASKERS_MAX)
        event_add(&s->listener, NULL);
}

/* It is freed later: it may be closed while somebody is at work on it. */
static void asker_close(struct asker *a)
{
    struct service *s = a->service;
    if (a->gone)
        return;
    a->gone = true;
    while (a->first)
        lookup_leave(a->first);
    event_del(&a->readable);
    event_del(&a->writable);
    event_del(&a->deadline);
    fsio_close_quiet(&a->fd);
    buf_release(&a->unsent);
    if (a->prev)
        a->prev->next = a->next;
    else
        s->askers = a->next;
    if (a->next)
        a->next->prev = a->prev;
    s->n_askers--;
    s->n_busy -= a->said.kind == RESOLVER_MESSAGE;
    listen_with_room(s);
    a->next = s->dead;
    s->dead = a;
}

static void bury_dead(struct service *s)
{
    while (s->dead) {
        struct asker *a = s->dead;
        s->dead = a->next;
        free(a);
    }
}

static void cut_off(struct asker *a, const char *why)
{
    log_warning("one who asks is cut off: %s", why);
    asker_close(a);
}

static void keep_unsent(struct asker *a, struct str message)
{
    struct err err;
    wire_str(&a->unsent, message);
    if (!buf_ok(&a->unsent))
        cut_off(a, "it does not take its answers");
    else if (loop_add(&a->writable, NULL, &err) < 0)
        cut_off(a, err.text);
}

static void asker_send(struct asker *a, struct str message)
{
    struct err err = {""};
    if (a->gone)
        return;
    int sent = a->unsent.n > 0 ? 0 : ipc_send(a->fd, message, NULL, &err);
    if (sent == 0)
        keep_unsent(a, message);
    else if (sent < 0)
        asker_close(a); /* it has gone */
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    struct asker *a = data;
    struct err err = {""};
    while (a->unsent.n > 0) {
        struct wire w = wire_of(buf_str(&a->unsent));
        struct str message = wire_get_str(&w);
        int sent = ipc_send(a->fd, message, NULL, &err);
        if (sent == 0 && loop_add(&a->writable, NULL, &err) == 0)
            return;
        if (sent <= 0) {
            asker_close(a);
            return;
        }
        buf_eat(&a->unsent, message.n + sizeof(uint32_t));
    }
    buf_release(&a->unsent);
}

/* May end the asker. */
static void answer(struct asker *a, const struct resolver_answer *reply)
{
    struct service *s = a->service;
    s->counts.found += reply->status == DNS_FOUND;
    s->counts.nothing += reply->status == DNS_NO_NAME || reply->status == DNS_NO_DATA;
    s->counts.failed += reply->status == DNS_TEMP_FAILED;
    s->counts.bogus += reply->status == DNS_BOGUS;
    s->counts.secure += (reply->flags & RESOLVER_SECURE) != 0;
    s->counts.cached += (reply->flags & RESOLVER_CACHED) != 0;
    buf_clear(&s->reply);
    resolver_answer_put(&s->reply, reply);
    if (buf_ok(&s->reply))
        asker_send(a, buf_str(&s->reply));
    else
        cut_off(a, "no memory for its answer");
}

static void answer_failed(struct asker *a, uint32_t number)
{
    answer(a, &(struct resolver_answer){.number = number, .status = DNS_TEMP_FAILED});
}

/* --- what comes back --- */

static void tell_away(void)
{
    log_error("the DNS does not answer: what is asked is not waited for until it does; facts about "
              "senders are temporarily unknown, and lists are left out");
}

/* True: the servers are away from now on. */
static bool note_silent(struct lookup *l, int64_t now)
{
    struct health *health = &l->service->health;
    if (l->silent)
        return false;
    l->silent = true;
    return l->probe ? health_probe_silent(health, l->asked_us / 1000, now)
                    : health_silent(health, l->asked_us / 1000, now);
}

static bool is_doubtful(const struct service *s, int64_t now)
{
    return health_doubtful(&s->health, s->first ? s->first->asked_us / 1000 : 0, now);
}

static void note_health(struct lookup *l, const struct packet_answer *found)
{
    struct service *s = l->service;
    int64_t took = clock_us() - l->asked_us;
    bool known = l->calling; /* or a server that the library holds for dead */
    if (known && (found->status != DNS_TEMP_FAILED || !is_doubtful(s, clock_ms())))
        return;
    if (found->status != DNS_TEMP_FAILED) {
        if (health_answered(&s->health, l->asked_us / 1000, (uint64_t)took))
            log_info("the DNS answers again, after %lld s",
                     (long long)(clock_ms() - s->health.away_since) / 1000);
        return;
    }
    if ((known || took / 1000 >= HEALTH_SILENCE_MS) && note_silent(l, clock_ms()))
        tell_away();
}

static void read_answer(struct lookup *l, const struct unbound_answer *from,
                        struct packet_answer *found)
{
    *found = (struct packet_answer){.status = DNS_TEMP_FAILED};
    if (from->bogus)
        found->status = DNS_BOGUS;
    else if (from->rcode == 0)
        packet_read(from->packet, l->type, l->service->pool, found);
}

static void on_answer(void *data, const struct unbound_answer *from)
{
    struct lookup *l = data;
    struct asker *a = l->asker;
    struct packet_answer found;
    pool_reset(l->service->pool);
    read_answer(l, from, &found);
    note_health(l, &found);
    const struct resolver_answer reply = {
        .number = l->number,
        .status = found.status,
        .flags = (from->secure ? RESOLVER_SECURE : 0) |
                 (l->calling && found.status != DNS_TEMP_FAILED ? RESOLVER_CACHED : 0),
        .ttl = found.ttl,
        .records = found.records,
        .n = found.n,
        .canonical = found.canonical,
    };
    if (l->calling)
        l->answered = true;
    else
        lookup_free(l);
    if (a)
        answer(a, &reply);
}

/* --- what is asked --- */

static bool has_room(const struct service *s, const struct asker *a)
{
    if (a == NULL || a->said.kind != RESOLVER_MESSAGE)
        return s->n_open < SERVICE_OPEN_MAX;
    bool crowded = s->n_open >= SERVICE_OPEN_MAX / 2;
    return s->n_open < SERVICE_OPEN_MAX - SERVICE_KEPT &&
           (!crowded || a->n_open < SERVICE_CROWDED_MAX);
}

/* Asks, for nobody as a probe; false: it can't be. The answer may come within. */
static bool ask(struct service *s, struct asker *a, uint32_t number, enum dns_type type,
                const char *name)
{
    struct lookup *l = has_room(s, a) ? calloc(1, sizeof *l) : NULL;
    if (l == NULL)
        return false;
    *l = (struct lookup){
        .service = s, .number = number, .type = type, .asked_us = clock_us(), .probe = a == NULL};
    l->calling = true;
    lookup_link(l);
    if (a)
        lookup_join(l, a);
    int asked = unbound_ask(s->unbound, name, type, on_answer, l);
    l->calling = false;
    if (asked < 0 || l->answered)
        lookup_free(l);
    return asked == 0;
}

/* A question that nobody waits for is asked all the same: it may be the one that is answered. */
static void give_up_waiting(struct asker *a)
{
    struct lookup *next;
    for (struct lookup *l = a->first; l; l = next) {
        next = l->behind;
        lookup_leave(l);
        if (!a->gone)
            answer_failed(a, l->number);
    }
}

static bool within_budget(struct asker *a)
{
    if (a->said.kind == RESOLVER_LASTING)
        return a->n_open < SERVICE_LASTING_MAX;
    if (a->said.queries == 0)
        return false;
    a->said.queries--;
    return true;
}

static void take_question(struct asker *a, uint32_t number, enum dns_type type, struct str name)
{
    struct service *s = a->service;
    char text[PACKET_NAME_TEXT];
    s->counts.questions++;
    if (!packet_name_text(name, text)) {
        answer(a, &(struct resolver_answer){.number = number, .status = DNS_BAD_NAME});
        return;
    }
    if (!within_budget(a) || !ask(s, a, number, type, text)) {
        s->counts.refused++;
        answer_failed(a, number);
    }
}

static void on_deadline(evutil_socket_t fd, short what, void *data)
{
    give_up_waiting(data);
}

/* Questions come: the first ones start the message's clock, and those of a new round theirs. */
static void start_round(struct asker *a)
{
    int64_t now = clock_ms();
    if (a->said.kind != RESOLVER_MESSAGE || a->n_open > 0)
        return;
    if (a->end == 0)
        a->end = now + a->said.milliseconds;
    int64_t time = resolver_round_ms(a->end - now);
    struct timeval wait = {.tv_sec = time / 1000, .tv_usec = (suseconds_t)(time % 1000) * 1000};
    a->late = time == 0;
    if (!a->late)
        loop_wait(&a->deadline, &wait);
}

static void take_questions(struct asker *a, struct str message)
{
    struct wire w = wire_of(message);
    uint32_t number;
    enum dns_type type;
    struct str name;
    start_round(a);
    while (!a->gone && resolver_question_get(&w, &number, &type, &name))
        take_question(a, number, type, name);
    if (w.bad && !a->gone)
        cut_off(a, "malformed question");
    else if (!a->gone && (a->late || a->service->health.away))
        give_up_waiting(a);
}

static void send_status(struct asker *a)
{
    struct service *s = a->service;
    struct resolver_status status = s->counts;
    status.open = s->n_open;
    status.askers = s->n_askers;
    status.mean_us = s->health.answered ? s->health.answer_us / s->health.answered : 0;
    status.outages = s->health.outages;
    status.servers = (uint32_t)s->conf->resolver.servers.n;
    status.dnssec = unbound_checks(s->unbound);
    status.away = s->health.away;
    status.away_for = s->health.away ? (uint64_t)(clock_ms() - s->health.away_since) / 1000 : 0;
    status.up = (uint64_t)(clock_ms() - s->began) / 1000;
    buf_clear(&s->reply);
    resolver_status_put(&s->reply, &status);
    if (buf_ok(&s->reply))
        asker_send(a, buf_str(&s->reply));
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void take_budget(struct asker *a, struct str message)
{
    const struct conf_resolver *conf = &a->service->conf->resolver;
    if (!resolver_budget_get(message, &a->said)) {
        a->said.kind = 0;
        cut_off(a, "malformed first message");
        return;
    }
    a->said.queries = least(a->said.queries, conf->queries_per_message);
    a->said.milliseconds = least(a->said.milliseconds, conf->time_per_message * 1000);
    a->service->n_busy += a->said.kind == RESOLVER_MESSAGE;
    if (a->said.kind == RESOLVER_STATUS)
        send_status(a);
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    struct asker *a = data;
    struct service *s = a->service;
    struct err err = {""};
    for (int i = 0; i < TURN_MESSAGES && !a->gone; i++) {
        int got = ipc_recv(a->fd, &s->message, NULL, &err);
        if (got == 0)
            break;
        if (got != 1)
            asker_close(a);
        else if (a->said.kind == 0)
            take_budget(a, buf_str(&s->message));
        else if (a->said.kind == RESOLVER_STATUS)
            cut_off(a, "more than one question for the status");
        else
            take_questions(a, buf_str(&s->message));
    }
}

static void on_asker(evutil_socket_t fd, short what, void *data)
{
    struct service *s = data;
    struct err err = {""};
    int peer = ipc_accept(fd, &err);
    if (peer < 0)
        return;
    struct asker *a = calloc(1, sizeof *a);
    if (a == NULL) {
        log_error("out of memory for one who asks");
        fsio_close_quiet(&peer);
        return;
    }
    *a = (struct asker){.service = s, .fd = peer, .next = s->askers};
    buf_init(&a->unsent, SERVICE_UNSENT_MAX);
    if (s->askers)
        s->askers->prev = a;
    s->askers = a;
    s->n_askers++;
    event_assign(&a->readable, s->base, peer, EV_READ | EV_PERSIST, on_readable, a);
    event_assign(&a->writable, s->base, peer, EV_WRITE, on_writable, a);
    evtimer_assign(&a->deadline, s->base, on_deadline, a);
    if (s->n_askers == SERVICE_ASKERS_MAX)
        event_del(&s->listener);
    if (loop_add(&a->readable, NULL, &err) < 0)
        cut_off(a, err.text);
}

/* --- a look at what is open --- */

/* A question of nobody, for a name below our own that no cache knows: whoever is there answers. */
static void probe(struct service *s, int64_t now)
{
    char name[PROBE_NAME];
    if (!is_doubtful(s, now) || now - s->probed < PROBE_MS)
        return;
    s->probed = now;
    snprintf(name, sizeof name, "probe-%u-%llu.%s", s->probes++, (unsigned long long)s->began,
             s->conf->hostname);
    if (dns_name_ok(str_of(name)))
        ask(s, NULL, 0, DNS_A, name);
}

static bool is_lasting(const struct lookup *l)
{
    return l->asker && l->asker->said.kind == RESOLVER_LASTING;
}

/* The oldest come first. */
static void note_silence(struct service *s, int64_t now)
{
    struct lookup *next;
    bool fell = false;
    for (struct lookup *l = s->first; l; l = next) {
        int64_t asked = l->asked_us / 1000;
        next = l->next;
        if (now - asked < HEALTH_SILENCE_MS)
            break;
        fell |= note_silent(l, now);
        if (is_lasting(l) && now - asked >= SERVICE_LASTING_MS) {
            struct asker *a = l->asker;
            lookup_leave(l);
            answer_failed(a, l->number);
        }
    }
    if (fell)
        tell_away();
}

static void release_all(struct service *s)
{
    struct asker *next;
    for (struct asker *a = s->askers; a; a = next) {
        next = a->next;
        give_up_waiting(a);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *data)
{
    struct service *s = data;
    int64_t now = clock_ms();
    note_silence(s, now);
    if (s->health.away)
        release_all(s);
    probe(s, now);
    bury_dead(s);
    listen_with_room(s);
}

/* --- beginning and end --- */

struct service *service_open(const struct conf *conf, struct event_base *base,
                             struct unbound *unbound, int listen_fd, struct err *err)
{
    const struct timeval tick = {.tv_usec = TICK_MS * 1000};
    struct service *s = calloc(1, sizeof *s);
    struct pool *pool = s ? pool_new(SERVICE_ANSWER_POOL) : NULL;
    if (pool == NULL) {
        err_set(err, "out of memory");
        free(s);
        return NULL;
    }
    *s = (struct service){.conf = conf, .base = base, .unbound = unbound, .pool = pool};
    s->began = clock_ms();
    buf_init(&s->message, IPC_MSG_MAX);
    buf_init(&s->reply, IPC_MSG_MAX);
    event_assign(&s->listener, base, listen_fd, EV_READ | EV_PERSIST, on_asker, s);
    event_assign(&s->tick, base, -1, EV_PERSIST, on_tick, s);
    if (loop_add(&s->listener, NULL, err) == 0 && loop_add(&s->tick, &tick, err) == 0)
        return s;
    service_stop(s);
    service_free(&s);
    return NULL;
}

/* Lasting ones come again by themselves, to who is there then. */
void service_drain(struct service *s)
{
    struct asker *next;
    s->draining = true;
    event_del(&s->listener);
    for (struct asker *a = s->askers; a; a = next) {
        next = a->next;
        if (a->said.kind == 0) /* what it is for stands in its socket already */
            on_readable(a->fd, EV_READ, a);
    }
    for (struct asker *a = s->askers; a; a = next) {
        next = a->next;
        if (a->said.kind != RESOLVER_MESSAGE)
            asker_close(a);
    }
}

size_t service_busy(const struct service *s)
{
    return s->n_busy;
}

void service_stop(struct service *s)
{
    while (s->askers)
        asker_close(s->askers);
    event_del(&s->listener);
    event_del(&s->tick);
}

void service_free(struct service **service)
{
    struct service *s = *service;
    *service = NULL;
    if (s == NULL)
        return;
    for (struct lookup *l = s->first, *next; l; l = next) {
        next = l->next;
        free(l);
    }
    bury_dead(s);
    pool_free(&s->pool);
    buf_release(&s->message);
    buf_release(&s->reply);
    free(s);
}
