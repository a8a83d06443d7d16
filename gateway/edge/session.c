#include "gateway/edge/edge.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "gateway/edge/tls.h"

#define READS_A_TURN     8            /* TLS records worked on before others get their turn */
#define FAREWELL_TIME    10           /* seconds for the last words to be taken */
#define FAREWELL_BYTES   (256 * 1024) /* read and thrown away meanwhile */
#define WRITE_TRIES      16
#define HANDSHAKE_TIME   60
#define DRAIN_PATIENCE   3 /* seconds of silence between MAIL and DATA */
#define SESSION_NAME_MAX SPOOL_ID_LEN

enum line_state { LINE_PLAIN, LINE_HANDSHAKE, LINE_TLS };

struct session {
    struct edge *edge;
    struct session *prev, *next;
    struct smtp_session *smtp;
    struct arrival *arrival;      /* being received */
    const struct arrival *judged; /* while its fate is being told */
    struct client *client;
    struct event readable, writable;
    int fd;
    enum line_state line;
    SSL *ssl;
    bool busy;    /* the machine is at work: settle() waits for its end */
    bool reading; /* the event is on */
    bool closing; /* nothing more is read but to be thrown away */
    bool early;
    bool counted; /* among its client's sessions */
    unsigned lookups;
    size_t thrown_away;
    time_t opened, heard;
    char ip[CLIENT_IP_SIZE];
    char name[SESSION_NAME_MAX + 1]; /* for the journal; made at the first refusal */
};

static void on_readable(evutil_socket_t fd, short what, void *data);
static void on_writable(evutil_socket_t fd, short what, void *data);
static void settle(struct session *s);

/* --- beginning and end --- */

static void session_close(struct session *s)
{
    struct edge *edge = s->edge;
    if (s->lookups > 0)
        recipients_cancel(edge->recipients, s);
    smtp_free(&s->smtp);
    event_del(&s->readable);
    event_del(&s->writable);
    tls_end(&s->ssl);
    fsio_close_quiet(&s->fd);
    if (s->counted)
        s->client->sessions--;
    client_release(edge->clients, &s->client);
    if (s->prev)
        s->prev->next = s->next;
    else
        edge->sessions = s->next;
    if (s->next)
        s->next->prev = s->prev;
    edge->n_sessions--;
    free(s);
}

static void link_in(struct session *s)
{
    struct edge *edge = s->edge;
    s->next = edge->sessions;
    if (s->next)
        s->next->prev = s;
    edge->sessions = s;
    edge->n_sessions++;
}

/* Whoever speaks before it is greeted is no mail server (RFC 5321 3.1). */
static bool spoke_early(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static enum smtp_status check_client(struct session *s)
{
    if (s->client->sessions >= s->edge->conf->smtp.client_sessions_limit)
        return SMTP_TOO_MANY_FROM_CLIENT;
    s->client->sessions++;
    s->counted = true;
    return SMTP_NONE;
}

void session_open(struct edge *edge, int fd, const struct sockaddr_storage *address,
                  enum smtp_status refuse)
{
    struct session *s = calloc(1, sizeof *s);
    struct client *client = client_hold(edge->clients, address);
    struct smtp_session *smtp = s ? smtp_new(&edge->smtp, s) : NULL;
    if (client == NULL || smtp == NULL) {
        log_error("out of memory for a session");
        smtp_free(&smtp);
        client_release(edge->clients, &client);
        free(s);
        close(fd);
        return;
    }
    *s = (struct session){.edge = edge, .smtp = smtp, .client = client, .fd = fd};
    client_ip(address, s->ip);
    s->opened = s->heard = edge->now;
    s->early = spoke_early(fd);
    event_assign(&s->readable, edge->base, fd, EV_READ | EV_PERSIST, on_readable, s);
    event_assign(&s->writable, edge->base, fd, EV_WRITE, on_writable, s);
    link_in(s);
    if (s->early)
        log_info("client %s spoke before it was greeted", s->ip);
    if (refuse == SMTP_NONE)
        refuse = check_client(s);
    smtp_greet(s->smtp, refuse);
    settle(s);
}

/* --- bytes --- */

static ssize_t read_some(struct session *s, char *to, size_t n)
{
    if (s->line == LINE_TLS)
        return tls_read(s->ssl, to, n);
    ssize_t got = recv(s->fd, to, n, 0);
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EINTR ? TLS_WANTS_READ : -1;
}

static ssize_t write_some(struct session *s, struct str bytes)
{
    if (s->line == LINE_TLS)
        return tls_write(s->ssl, bytes);
    ssize_t sent = send(s->fd, bytes.s, bytes.n, MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EINTR ? TLS_WANTS_WRITE : -1;
}

static void set_reading(struct session *s, bool on)
{
    if (on == s->reading)
        return;
    s->reading = on;
    if (on)
        event_add(&s->readable, NULL);
    else
        event_del(&s->readable);
}

enum flushed { FLUSH_DONE, FLUSH_WAITS, FLUSH_FAILED };

/* Sends what there is. Sending may let the machine go on and say more. */
static enum flushed flush(struct session *s)
{
    for (int i = 0; i < WRITE_TRIES; i++) {
        struct str out = smtp_output(s->smtp);
        if (out.n == 0)
            return FLUSH_DONE;
        ssize_t sent = write_some(s, out);
        if (sent == TLS_WANTS_WRITE || sent == TLS_WANTS_READ)
            break;
        if (sent <= 0)
            return FLUSH_FAILED;
        s->heard = s->edge->now;
        s->busy = true;
        smtp_sent(s->smtp, (size_t)sent);
        s->busy = false;
    }
    event_add(&s->writable, NULL);
    return FLUSH_WAITS;
}

/* --- the end, politely --- */

/*
 * Closing with bytes unread would reset the connection and take our last reply with it: what still
 * comes is read and thrown away, for a while. Mostly nothing comes.
 */
static void farewell(struct session *s)
{
    tls_end(&s->ssl);
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t got = recv(s->fd, s->edge->block, SMTP_BLOCK_MAX, 0);
        bool nothing = got < 0 && (errno == EAGAIN || errno == EINTR);
        if (nothing && s->closing)
            break;
        if (got <= 0 || s->thrown_away + (size_t)got > FAREWELL_BYTES) {
            session_close(s);
            return;
        }
        s->thrown_away += (size_t)got;
        if (!s->closing) {
            s->closing = true;
            s->heard = s->edge->now;
            shutdown(s->fd, SHUT_WR);
        }
    }
    set_reading(s, true);
}

/* --- TLS --- */

static void handshake(struct session *s)
{
    struct err err = {""};
    if (s->ssl == NULL) {
        s->ssl = tls_accept_start(s->edge->tls, s->fd);
        s->line = LINE_HANDSHAKE;
    }
    int result = s->ssl ? tls_handshake(s->ssl, &err) : err_set(&err, "out of memory");
    if (result == 1) {
        s->line = LINE_TLS;
        s->heard = s->edge->now;
        smtp_tls_started(s->smtp);
        settle(s);
    } else if (result == TLS_WANTS_WRITE) {
        event_add(&s->writable, NULL);
    } else if (result == TLS_WANTS_READ) {
        set_reading(s, true);
    } else {
        log_info("client %s: %s", s->ip, err.text[0] ? err.text : "TLS handshake: peer has gone");
        session_close(s);
    }
}

/* --- what next? --- */

/* Look-ups are answered within a moment: then all replies go in one piece. (One that takes its time
 * holds up the others until the next tick.) */
static bool more_is_near(const struct session *s)
{
    return s->lookups > 0 && smtp_output(s->smtp).n < SMTP_OUTPUT_HIGH &&
           smtp_wants(s->smtp) != SMTP_WANT_CLOSE;
}

/*
 * Sends, then does what the machine wants. Everything that calls into the machine ends here; a call
 * from within it (an answer that came at once) leaves it to the outer one. May free the session.
 */
static void settle(struct session *s)
{
    if (s->busy)
        return;
    enum flushed flushed = more_is_near(s) ? FLUSH_DONE : flush(s);
    if (flushed == FLUSH_FAILED) {
        session_close(s);
        return;
    }
    switch (smtp_wants(s->smtp)) {
    case SMTP_WANT_CLOSE:
        if (flushed == FLUSH_DONE)
            farewell(s);
        break;
    case SMTP_WANT_TLS:
        if (flushed == FLUSH_DONE)
            handshake(s);
        break;
    case SMTP_WANT_INPUT:
        set_reading(s, true);
        /* OpenSSL may hold bytes that no event will tell of */
        if (s->ssl && SSL_has_pending(s->ssl))
            event_active(&s->readable, EV_READ, 1);
        break;
    case SMTP_WANT_OUTPUT:
    case SMTP_WANT_ANSWER:
        /* the event stays on until it bothers: mostly nothing comes meanwhile */
        break;
    }
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
    struct session *s = data;
    if (s->closing) {
        farewell(s);
        return;
    }
    if (s->line == LINE_HANDSHAKE) {
        handshake(s);
        return;
    }
    for (int i = 0; i < READS_A_TURN; i++) {
        if (smtp_wants(s->smtp) != SMTP_WANT_INPUT) {
            if (i == 0)
                set_reading(s, false);
            break;
        }
        ssize_t got = read_some(s, s->edge->block, SMTP_BLOCK_MAX);
        if (got == TLS_WANTS_READ || got == TLS_WANTS_WRITE)
            break;
        if (got <= 0) {
            session_close(s);
            return;
        }
        s->heard = s->edge->now;
        s->busy = true;
        smtp_input(s->smtp, str_n(s->edge->block, (size_t)got));
        s->busy = false;
        if (s->line != LINE_TLS)
            break;
    }
    settle(s);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
    struct session *s = data;
    if (s->line == LINE_HANDSHAKE)
        handshake(s);
    else
        settle(s);
}

/* --- what the machine asks (gateway/smtp/smtp.h) --- */

static enum smtp_status ask_mail(void *owner)
{
    const struct session *s = owner;
    return s->edge->full ? SMTP_NO_SPACE : SMTP_NONE;
}

static void ask_recipient(void *owner, uint32_t ticket, struct str address)
{
    struct session *s = owner;
    s->lookups++;
    recipients_ask(s->edge->recipients, s, ticket, address);
}

void session_recipient_answer(void *asker, uint32_t ticket, const struct directory_answer *answer)
{
    static const enum smtp_status statuses[] = {
        [DIRECTORY_KNOWN] = SMTP_RECIPIENT_OK,
        [DIRECTORY_UNKNOWN] = SMTP_UNKNOWN_RECIPIENT,
        [DIRECTORY_NOT_OURS] = SMTP_RELAYING_DENIED,
        [DIRECTORY_UNAVAILABLE] = SMTP_DIRECTORY_DOWN,
    };
    struct session *s = asker;
    s->lookups--;
    smtp_recipient_answer(s->smtp, ticket, statuses[answer->result], str_of(answer->how));
    settle(s);
}

static enum smtp_status storage_status(const struct err *err)
{
    int why = errno;
    log_error("%s", err->text);
    return why == ENOSPC || why == EDQUOT ? SMTP_NO_SPACE : SMTP_LOCAL_ERROR;
}

static enum smtp_status begin_message(void *owner)
{
    struct session *s = owner;
    struct err err;
    s->arrival = arrival_begin(s->edge, &err);
    return s->arrival ? SMTP_NONE : storage_status(&err);
}

static enum smtp_status take_data(void *owner, struct str block)
{
    struct session *s = owner;
    struct err err;
    return arrival_write(s->arrival, block, &err) == 0 ? SMTP_NONE : storage_status(&err);
}

static struct str tls_description(const struct session *s, char *room, size_t size)
{
    struct buf text = {.p = room, .cap = size, .max = size - 1};
    if (s->line == LINE_TLS)
        buf_addf(&text, "%s with cipher %s", SSL_get_version(s->ssl), SSL_get_cipher(s->ssl));
    return buf_str(&text);
}

static void end_message(void *owner, const struct smtp_envelope *envelope)
{
    struct session *s = owner;
    char room[128];
    struct arrival_origin origin = {
        .session = s,
        .client = s->client,
        .ip = str_of(s->ip),
        .helo = smtp_helo(s->smtp),
        .protocol = smtp_protocol(s->smtp),
        .tls = tls_description(s, room, sizeof room),
        .early = s->early,
    };
    arrival_judge(s->arrival, envelope, &origin);
}

static void abort_message(void *owner)
{
    struct session *s = owner;
    arrival_drop(&s->arrival);
}

static void note_refusal(void *owner, const struct smtp_refusal *refusal)
{
    struct session *s = owner;
    const struct arrival *a = s->judged ? s->judged : s->arrival;
    if (s->name[0] == '\0')
        spool_id_make(s->name);
    const struct edge_refused refused = {
        .refusal = refusal,
        .session = str_of(s->name),
        .ip = str_of(s->ip),
        .helo = smtp_helo(s->smtp),
        .id = a ? arrival_id(a) : STR_EMPTY,
        .evidence = s->judged ? arrival_evidence(s->judged) : STR_EMPTY,
    };
    edge_journal_refused(s->edge->journal, &refused);
    log_debug("client %s: %s refused: %u %.*s", s->ip, refusal->stage, refusal->reply->code,
              STR_ARG(refusal->text));
}

const struct smtp_ops session_ops = {
    .mail = ask_mail,
    .recipient = ask_recipient,
    .begin = begin_message,
    .data = take_data,
    .end = end_message,
    .abort = abort_message,
    .refused = note_refusal,
};

void session_arrival_fate(struct session *s, enum smtp_status status, struct str detail,
                          const struct arrival *judged)
{
    bool outer = !s->busy;
    s->arrival = NULL; /* the answer may begin the next one */
    s->judged = judged;
    s->heard = s->edge->now;
    s->busy = true;
    smtp_message_answer(s->smtp, status, detail);
    s->judged = NULL;
    if (outer) {
        s->busy = false;
        settle(s);
    }
}

/* --- time --- */

void sessions_drain(struct edge *edge)
{
    for (struct session *s = edge->sessions, *next; s; s = next) {
        next = s->next;
        if (s->closing)
            continue;
        smtp_drain(s->smtp);
        if (s->line != LINE_HANDSHAKE)
            settle(s);
    }
}

static time_t silence_limit(const struct session *s)
{
    const struct conf_smtp *conf = &s->edge->conf->smtp;
    if (s->line == LINE_HANDSHAKE)
        return HANDSHAKE_TIME;
    return smtp_in_message(s->smtp) ? conf->data_timeout : conf->command_timeout;
}

/* A message on its way is waited for; one that is only announced, as long as its client is quick.
 */
static time_t drain_limit(const struct session *s)
{
    time_t quick = s->heard + DRAIN_PATIENCE;
    time_t end = s->edge->drain_end;
    return smtp_in_message(s->smtp) || end < quick ? end : quick;
}

/* The session's time is up; what is said of it may not be read any more. */
static void session_end(struct session *s, enum smtp_status status)
{
    if (s->line == LINE_HANDSHAKE || smtp_wants(s->smtp) == SMTP_WANT_CLOSE ||
        smtp_wants(s->smtp) == SMTP_WANT_TLS) {
        session_close(s);
        return;
    }
    smtp_end(s->smtp, status);
    s->heard = s->edge->now;
    settle(s);
}

static void session_tick(struct session *s)
{
    time_t now = s->edge->now;
    if (s->closing || smtp_wants(s->smtp) == SMTP_WANT_CLOSE) {
        if (now - s->heard > FAREWELL_TIME)
            session_close(s);
    } else if (smtp_wants(s->smtp) == SMTP_WANT_ANSWER) {
        /* those who answer have time limits of their own */
    } else if (s->edge->draining && now > drain_limit(s)) {
        session_end(s, SMTP_SHUTTING_DOWN);
    } else if (now - s->heard > silence_limit(s)) {
        session_end(s, SMTP_TIMEOUT);
    } else if (now - s->opened > s->edge->conf->smtp.session_timeout) {
        session_end(s, SMTP_SESSION_TOO_LONG);
    }
}

void sessions_tick(struct edge *edge)
{
    for (struct session *s = edge->sessions, *next; s; s = next) {
        next = s->next;
        if (s->lookups > 0 && flush(s) == FLUSH_FAILED) /* more_is_near() was wrong */
            session_close(s);
        else
            session_tick(s);
    }
}

void sessions_close(struct edge *edge)
{
    while (edge->sessions)
        session_close(edge->sessions);
}
