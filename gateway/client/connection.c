#include "gateway/client/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/dial.h"
#include "base/fsio.h"
#include "gateway/loop.h"

#define READ_STEP   (8 * 1024)
#define READ_ROUND  4  /* reads before other connections have their turn */
#define WRITE_ROUND 16 /* writes, likewise */

struct connection {
    const struct conf_hop *hop;
    struct connection_limits limits;
    struct connection_hooks hooks;
    struct client client;
    SSL_CTX *context;
    SSL *ssl; /* NULL: in clear */
    struct proof_wanted wanted;
    enum proof_kind looked_for; /* what of it can be */
    struct proof proof;
    char local[INET6_ADDRSTRLEN];
    bool tls_failed;
    int fd;
    struct event *readable;
    struct event *writable;
    struct event *timer;
    size_t out_at; /* bytes of client.out that are sent */
    bool connected;
    bool greeted;
    bool busy;     /* a transaction was given and is not done */
    bool silent;   /* … and never will be: its time was over */
    bool driving;  /* drive() is on the stack */
    bool progress; /* something has moved: the time limit starts anew */
    int64_t began; /* the transaction, in monotonic seconds */
};

/* --- time --- */

static unsigned limit_of(const struct connection *c)
{
    if (!c->connected)
        return c->limits.connect;
    if (c->client.state == CLIENT_READY)
        return c->limits.idle;
    return c->client.state == CLIENT_FINAL && c->client.out.n == 0 ? c->limits.final
                                                                   : c->limits.reply;
}

static void restart_timer(struct connection *c)
{
    int64_t limit = limit_of(c);
    int64_t left = c->began + c->limits.message - clock_seconds();
    if (c->busy && left < limit)
        limit = left > 0 ? left : 0;
    const struct timeval wait = {.tv_sec = limit};
    loop_wait(c->timer, &wait);
    c->progress = false;
}

static const char *what_timed_out(const struct connection *c)
{
    if (!c->connected)
        return "connect timed out";
    switch (c->client.state) {
    case CLIENT_GREETING:
        return "timed out waiting for the greeting";
    case CLIENT_HELLO:
    case CLIENT_HELO:
        return "timed out waiting for the reply to our hello";
    case CLIENT_STARTTLS:
    case CLIENT_HANDSHAKE:
        return "timed out waiting for TLS";
    case CLIENT_LOGIN:
        return "timed out waiting for the reply to our login";
    case CLIENT_ENVELOPE:
        return "timed out waiting for the reply to the envelope";
    case CLIENT_BODY:
        return "timed out sending the message";
    case CLIENT_FINAL:
        return "timed out waiting for the reply to the message";
    case CLIENT_READY:
    case CLIENT_DEAD:
        break;
    }
    return "idle";
}

/* --- the end --- */

static void connection_free(struct connection *c)
{
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    if (c->timer)
        event_free(c->timer);
    tls_end(&c->ssl);
    fsio_close_quiet(&c->fd);
    client_release(&c->client);
    free(c);
}

static void finish_dead(struct connection *c)
{
    const struct connection_hooks hooks = c->hooks;
    const bool greeted = c->greeted;
    const bool lacks = c->client.lacks;
    const bool tls_failed = c->tls_failed || c->client.no_tls || lacks;
    const bool nameless =
        c->wanted.required && c->wanted.kind == PROOF_PKIX && c->wanted.name == NULL;
    const bool lasting = c->client.no_tls || c->proof.fault || lacks || nameless;
    const enum proof_fault fault = c->client.no_tls ? FAULT_STARTTLS_NOT_SUPPORTED
                                   : c->proof.fault ? c->proof.fault
                                   : lacks          ? FAULT_NONE
                                                    : FAULT_VALIDATION_FAILURE;
    char why[sizeof c->client.error], local[sizeof c->local];
    snprintf(why, sizeof why, "%s", c->client.error);
    snprintf(local, sizeof local, "%s", c->local);
    if (c->busy && c->client.messages && client_is_untouched(&c->client)) {
        hooks.returned(hooks.data);
    } else if (c->busy) {
        client_abandon(&c->client, why);
        hooks.done(hooks.data);
    }
    connection_free(c);
    if (tls_failed && hooks.tls_failed)
        hooks.tls_failed(hooks.data, &(struct tls_failure){fault, why, local, lasting});
    hooks.closed(hooks.data, greeted, why);
}

/* --- bytes --- */

/* What TLS waits for is waited for as if it were the socket. */
static ssize_t from_tls(ssize_t n)
{
    if (n >= 0)
        return n;
    errno = n == TLS_WANTS_READ || n == TLS_WANTS_WRITE ? EAGAIN : EPROTO;
    return -1;
}

static ssize_t receive(struct connection *c, char *to, size_t n)
{
    return c->ssl ? from_tls(tls_read(c->ssl, to, n)) : recv(c->fd, to, n, MSG_DONTWAIT);
}

static ssize_t transmit(struct connection *c, const char *from, size_t n)
{
    return c->ssl ? from_tls(tls_write(c->ssl, str_n(from, n)))
                  : send(c->fd, from, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- moving on --- */

static void say_quit(struct connection *c)
{
    const struct str quit = STR("QUIT\r\n");
    ssize_t ignored = transmit(c, quit.s, quit.n);
    (void)ignored; /* a courtesy */
}

static void broken(struct connection *c, const char *what)
{
    char why[128];
    char text[64];
    if (c->client.state == CLIENT_DEAD)
        return;
    snprintf(why, sizeof why, "%s: %s", what, strerror_r(errno, text, sizeof text));
    if (c->client.state == CLIENT_BODY) {
        char bytes[READ_STEP];
        ssize_t n = receive(c, bytes, sizeof bytes);
        client_cut_off(&c->client, str_n(bytes, n > 0 ? (size_t)n : 0), why);
        return;
    }
    client_kill(&c->client, why);
}

/* 1 all is out, 0 the socket is full or others shall have their turn, -1 broken */
static int flush(struct connection *c)
{
    struct buf *out = &c->client.out;
    for (unsigned round = 0; round < WRITE_ROUND; round++) {
        if (c->out_at == out->n) {
            buf_clear(out);
            c->out_at = 0;
            if (c->client.state != CLIENT_BODY)
                return 1;
            client_pump(&c->client);
            if (c->client.state == CLIENT_DEAD)
                return -1;
        }
        ssize_t n = transmit(c, out->p + c->out_at, out->n - c->out_at);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n < 0 && errno != EINTR) {
            broken(c, "connection lost");
            return -1;
        }
        if (n > 0) {
            c->out_at += (size_t)n;
            c->progress = true;
        }
    }
    return 0;
}

/* While the message goes out only its end is answered: what comes earlier waits in the socket. */
static void watch(struct connection *c, bool writing)
{
    if (c->client.state == CLIENT_BODY)
        event_del(c->readable);
    else
        event_add(c->readable, NULL);
    /* the socket does not tell of what TLS has read already */
    if (c->ssl && c->client.state != CLIENT_BODY && SSL_pending(c->ssl) > 0)
        event_active(c->readable, EV_READ, 0);
    if (writing)
        event_add(c->writable, NULL);
    else
        event_del(c->writable);
}

static int start_tls(struct connection *c, struct err *err)
{
    c->ssl = tls_connect_start(c->context, c->fd);
    if (c->ssl == NULL)
        return err_set(err, "out of memory for TLS");
    return proof_prepare(c->ssl, &c->wanted, &c->looked_for, err);
}

/* Nothing is said over what did not prove what is required. */
static int look_at_proof(struct connection *c, struct err *err)
{
    if (proof_look(c->ssl, c->looked_for, &c->proof) || !c->wanted.required)
        return 1;
    return err_set(err, "%s", c->proof.why);
}

/* 1 TLS stands, 0 it waits, -1 it can't be agreed on */
static int shake_hands(struct connection *c)
{
    struct err err;
    int got = c->ssl == NULL ? start_tls(c, &err) : 0;
    if (got == 0)
        got = tls_handshake(c->ssl, &err);
    if (got == TLS_WANTS_READ || got == TLS_WANTS_WRITE) {
        event_add(c->readable, NULL);
        if (got == TLS_WANTS_WRITE)
            event_add(c->writable, NULL);
        else
            event_del(c->writable);
        return 0;
    }
    if (got == 1)
        got = look_at_proof(c, &err);
    if (got == 1) {
        c->progress = true;
        c->client.proved =
            c->proof.by == PROOF_DANE || (c->proof.by == PROOF_PKIX && c->wanted.name_proved);
        client_secured(&c->client);
        return 1;
    }
    c->tls_failed = true;
    client_kill(&c->client, err.text);
    return -1;
}

/* Sends what is to be sent, tells what has happened, and waits for what comes next. The connection
 * may be gone afterwards. */
static void drive(struct connection *c)
{
    c->driving = true;
    for (;;) {
        int flushed = c->client.state == CLIENT_DEAD ? -1 : flush(c);
        if (flushed < 0) {
            finish_dead(c);
            return;
        }
        if (c->client.state == CLIENT_READY && c->busy) {
            c->busy = false;
            c->hooks.done(c->hooks.data);
            c->hooks.ready(c->hooks.data);
            continue;
        }
        if (c->client.state == CLIENT_READY && !c->greeted) {
            c->greeted = true;
            c->hooks.ready(c->hooks.data);
            continue;
        }
        if (c->client.state == CLIENT_HANDSHAKE && flushed == 1) {
            if (shake_hands(c) != 0)
                continue;
            break;
        }
        watch(c, flushed == 0);
        break;
    }
    if (c->progress)
        restart_timer(c);
    c->driving = false;
}

/* What ends the connection may be TLS: it was being agreed on, or nothing was said over it yet. */
static void note_tls_lost(struct connection *c)
{
    enum client_state state = c->client.state;
    if (state == CLIENT_STARTTLS || state == CLIENT_HANDSHAKE || (c->ssl && !c->greeted))
        c->tls_failed = true;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    struct connection *c = data;
    char bytes[READ_STEP];
    for (unsigned round = 0; round < READ_ROUND; round++) {
        if (c->client.state == CLIENT_BODY || c->client.state == CLIENT_DEAD ||
            c->client.state == CLIENT_HANDSHAKE)
            break;
        ssize_t n = receive(c, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
            break;
        if (n > 0) {
            unsigned before = c->client.replies;
            client_input(&c->client, str_n(bytes, (size_t)n));
            c->progress = c->progress || c->client.replies != before;
            continue;
        }
        note_tls_lost(c);
        if (n < 0)
            broken(c, "connection lost");
        else
            client_kill(&c->client, "the other side closed the connection");
    }
    drive(c);
}

static void note_local(struct connection *c)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&at;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at;
    if (getsockname(c->fd, (struct sockaddr *)&at, &n) < 0)
        return;
    if (at.ss_family == AF_INET)
        inet_ntop(AF_INET, &four->sin_addr, c->local, sizeof c->local);
    else if (at.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, c->local, sizeof c->local);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    struct connection *c = data;
    if (!c->connected) {
        struct err why;
        c->connected = true;
        c->progress = true;
        if (dial_finish(fd, &why) < 0)
            broken(c, "cannot connect");
        note_local(c);
    }
    drive(c);
}

static void on_timeout(evutil_socket_t fd, short what, void *data)
{
    struct connection *c = data;
    if (connection_is_idle(c))
        say_quit(c);
    note_tls_lost(c);
    c->silent = c->busy;
    client_kill(&c->client, what_timed_out(c));
    finish_dead(c);
}

/* --- the beginning --- */

/* The address of the hop; 0 when it can't be one. */
static int start_connect(struct connection *c, const struct connection_way *way, struct err *err)
{
    const bool six = c->hop->host && strchr(c->hop->host, ':');
    const struct dial_place place = {.host = c->hop->host,
                                     .path = c->hop->path,
                                     .port = c->hop->port,
                                     .text = c->hop->text,
                                     .source = six ? way->source6 : way->source4};
    bool connecting; /* on_writable() tells */
    c->fd = dial_start(&place, &connecting, err);
    return c->fd < 0 ? -1 : 0;
}

static int make_events(struct connection *c, struct event_base *base, struct err *err)
{
    c->readable = event_new(base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
    c->timer = evtimer_new(base, on_timeout, c);
    if (c->readable == NULL || c->writable == NULL || c->timer == NULL ||
        event_add(c->writable, NULL) < 0)
        return err_set(err, "out of memory for a connection");
    restart_timer(c);
    return 0;
}

struct connection *connection_open(struct event_base *base, const struct conf_hop *hop,
                                   const struct connection_way *way,
                                   const struct connection_limits *limits,
                                   const struct connection_hooks *hooks, struct err *err)
{
    struct connection *c = calloc(1, sizeof *c);
    const struct client_hooks results = {.result = hooks->result, .data = hooks->data};
    if (c == NULL) {
        err_set(err, "out of memory for a connection");
        return NULL;
    }
    c->hop = hop;
    c->limits = *limits;
    c->hooks = *hooks;
    c->fd = -1;
    client_init(&c->client, hop->kind == HOP_LMTP ? CLIENT_LMTP : CLIENT_SMTP, way->hostname,
                &results);
    c->context = way->context;
    c->wanted = way->proof;
    c->client.login = way->login;
    c->client.ours = way->ours;
    c->client.requiretls = way->requiretls;
    c->client.tls = way->context ? way->tls : CLIENT_TLS_NONE;
    if (start_connect(c, way, err) < 0 || make_events(c, base, err) < 0) {
        connection_free(c);
        return NULL;
    }
    return c;
}

void connection_send(struct connection *c, const struct client_transaction *transaction)
{
    c->busy = true;
    c->began = clock_seconds();
    c->progress = true;
    client_begin(&c->client, transaction);
    if (!c->driving)
        drive(c);
}

bool connection_wants_tls(const struct connection *c)
{
    return c->client.wants_tls;
}

bool connection_took_sender(const struct connection *c)
{
    return c->client.mail_accepted;
}

bool connection_broke_off(const struct connection *c)
{
    return c->client.abandoned;
}

bool connection_was_silent(const struct connection *c)
{
    return c->silent;
}

bool connection_offers_dsn(const struct connection *c)
{
    return c->client.offers.dsn;
}

const char *connection_security(const struct connection *c)
{
    return c->client.secured ? SSL_get_version(c->ssl) : NULL;
}

const char *connection_local(const struct connection *c)
{
    return c->local;
}

const struct proof *connection_proof(const struct connection *c)
{
    return &c->proof;
}

bool connection_is_idle(const struct connection *c)
{
    return c->client.state == CLIENT_READY && !c->busy;
}

void connection_retire(struct connection *c, const char *why)
{
    say_quit(c);
    client_kill(&c->client, why);
    if (!c->driving)
        drive(c);
}

void connection_close(struct connection **connection, const char *why)
{
    struct connection *c = *connection;
    if (c == NULL)
        return;
    *connection = NULL;
    if (connection_is_idle(c))
        say_quit(c);
    if (c->busy) {
        client_abandon(&c->client, why);
        c->hooks.done(c->hooks.data);
    }
    connection_free(c);
}
