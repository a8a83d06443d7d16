#include "gateway/edge/session.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "gateway/tls.h"

#define READS_A_TURN   8            /* TLS records worked on before others get their turn */
#define FAREWELL_BYTES (256 * 1024) /* read and thrown away meanwhile */
#define WRITE_TRIES    16

/* --- end --- */

void session_close(struct session *s)
{
    struct edge *edge = s->edge;
    if (s->lookups > 0)
        recipients_cancel(edge->recipients, s);
    session_login_end(s);
    session_grey_end(s);
    session_who_end(s);
    smtp_free(&s->smtp);
    buf_release(&s->header);
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

void session_set_reading(struct session *s, bool on)
{
    if (on == s->reading)
        return;
    s->reading = on && event_add(&s->readable, NULL) == 0;
    s->unheard |= on && !s->reading;
    if (!on)
        event_del(&s->readable);
}

static void await_writing(struct session *s)
{
    s->unheard |= event_add(&s->writable, NULL) < 0;
}

enum flushed session_flush(struct session *s)
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
    await_writing(s);
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
    session_set_reading(s, true);
}

/* --- TLS --- */

void session_handshake(struct session *s)
{
    struct err err = {""};
    if (s->ssl == NULL) {
        s->ssl = tls_accept_start(s->edge->tls, s->fd);
        s->line = LINE_HANDSHAKE;
        if (s->ssl && s->takes_login) /* no password stays in its buffers */
            SSL_set_options(s->ssl, SSL_OP_CLEANSE_PLAINTEXT);
    }
    int result = s->ssl ? tls_handshake(s->ssl, &err) : err_set(&err, "out of memory");
    if (result == 1) {
        s->line = LINE_TLS;
        s->unread = true;
        s->heard = s->edge->now;
        bool outermost = session_enter(s);
        if (s->kind == LISTEN_SUBMISSIONS)
            smtp_greet_tls(s->smtp);
        else
            smtp_tls_started(s->smtp);
        session_leave(s, outermost);
    } else if (result == TLS_WANTS_WRITE) {
        await_writing(s);
    } else if (result == TLS_WANTS_READ) {
        session_set_reading(s, true);
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

void session_delay(struct session *s, unsigned seconds)
{
    time_t now = s->edge->now;
    time_t from = s->quiet_until > now ? s->quiet_until : now;
    time_t most = now + QUIET_MAX;
    s->quiet_until = from + seconds < most ? from + (time_t)seconds : most;
    s->slowed += (unsigned)(s->quiet_until - from);
    s->heard = s->quiet_until;
}

/* The tarpit: who makes error upon error waits for each answer, and holds nothing but its own
 * session meanwhile. */
static bool kept_waiting(struct session *s)
{
    const struct conf *conf = s->edge->conf;
    unsigned errors = smtp_errors(s->smtp);
    unsigned allowed = conf->smtp.errors_limit / 2;
    unsigned from = s->errors > allowed ? s->errors : allowed;
    if (errors > from && conf->gate.tarpit)
        session_delay(s, (errors - from) * conf->gate.tarpit);
    s->errors = errors;
    return s->quiet_until > s->edge->now && !s->edge->draining;
}

bool session_enter(struct session *s)
{
    bool outermost = !s->busy;
    s->busy = true;
    return outermost;
}

void session_leave(struct session *s, bool outermost)
{
    if (!outermost)
        return;
    s->busy = false;
    session_settle(s);
}

void session_settle(struct session *s)
{
    if (s->busy)
        return;
    if (kept_waiting(s)) {
        session_set_reading(s, false);
        event_del(&s->writable);
        return;
    }
    enum flushed flushed = more_is_near(s) ? FLUSH_DONE : session_flush(s);
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
            session_handshake(s);
        break;
    case SMTP_WANT_INPUT:
        session_set_reading(s, true);
        /* OpenSSL may hold bytes that no event will tell of (not SSL_has_pending(): half a record
         * counts there, and a slow peer would keep us spinning) */
        if (s->ssl && s->unread)
            event_active(&s->readable, EV_READ, 1);
        break;
    case SMTP_WANT_OUTPUT:
    case SMTP_WANT_ANSWER:
        /* the event stays on until it bothers: mostly nothing comes meanwhile */
        break;
    }
}

static void read_input(struct session *s)
{
    s->unread = true;
    for (int i = 0; i < READS_A_TURN; i++) {
        if (smtp_wants(s->smtp) != SMTP_WANT_INPUT) {
            if (i == 0)
                session_set_reading(s, false);
            break;
        }
        ssize_t got = read_some(s, s->edge->block, SMTP_BLOCK_MAX);
        if (got == TLS_WANTS_READ || got == TLS_WANTS_WRITE) {
            s->unread = false;
            break;
        }
        if (got <= 0) {
            session_close(s);
            return;
        }
        s->heard = s->edge->now;
        s->busy = true;
        bool secret = s->takes_login && !smtp_authenticated(s->smtp);
        smtp_input(s->smtp, str_n(s->edge->block, (size_t)got));
        if (secret)
            explicit_bzero(s->edge->block, (size_t)got);
        s->busy = false;
        if (s->line != LINE_TLS)
            break;
    }
    session_settle(s);
}

void session_on_readable(evutil_socket_t fd, short what, void *data)
{
    struct session *s = data;
    if (s->closing) {
        farewell(s);
        return;
    }
    switch (s->line) {
    case LINE_PROXY:
        session_read_header(s);
        break;
    case LINE_WAITING:
        session_disturbed(s);
        break;
    case LINE_HANDSHAKE:
        session_handshake(s);
        break;
    default:
        read_input(s);
    }
}

void session_on_writable(evutil_socket_t fd, short what, void *data)
{
    struct session *s = data;
    if (s->line == LINE_HANDSHAKE)
        session_handshake(s);
    else
        session_settle(s);
}
