/* Time limits of sessions, and their end when the process shall end. */
#include "gateway/edge/session.h"

#define FAREWELL_TIME  10 /* seconds for the last words to be taken */
#define HANDSHAKE_TIME 60
#define DRAIN_PATIENCE 3 /* seconds of silence between MAIL and DATA */

void sessions_drain(struct edge *edge)
{
    for (struct session *s = edge->sessions, *next; s; s = next) {
        next = s->next;
        if (s->closing)
            continue;
        if (s->line == LINE_PROXY) {
            session_close(s);
            continue;
        }
        s->busy = true; /* what is held may be answered at once */
        smtp_drain(s->smtp);
        s->busy = false;
        if (s->line != LINE_HANDSHAKE)
            session_settle(s);
    }
}

static time_t silence_limit(const struct session *s)
{
    const struct conf_smtp *conf = &s->edge->conf->smtp;
    if (s->line == LINE_PROXY)
        return HEADER_TIME;
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
    if (s->line == LINE_HANDSHAKE || s->line == LINE_PROXY ||
        smtp_wants(s->smtp) == SMTP_WANT_CLOSE || smtp_wants(s->smtp) == SMTP_WANT_TLS) {
        session_close(s);
        return;
    }
    smtp_end(s->smtp, status);
    s->heard = s->edge->now;
    session_settle(s);
}

/* The kernel had no room to note what it waits for. */
static void listen_again(struct session *s)
{
    s->unheard = false;
    if (s->closing || s->line == LINE_PROXY || s->line == LINE_WAITING)
        session_set_reading(s, true);
    else if (s->line == LINE_HANDSHAKE)
        session_handshake(s);
    else
        session_settle(s);
}

static void session_tick(struct session *s)
{
    time_t now = s->edge->now;
    if (session_login_tick(s))
        return;
    if (s->quiet_until) {
        if (now >= s->quiet_until || s->edge->draining) {
            s->quiet_until = 0;
            session_settle(s);
        }
    } else if (s->line == LINE_WAITING && !s->edge->draining) {
        session_wait(s);
    } else if (s->closing || smtp_wants(s->smtp) == SMTP_WANT_CLOSE) {
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
        if (s->unheard)
            listen_again(s); /* it may be gone now */
        else if (s->lookups > 0 && s->quiet_until == 0 &&
                 session_flush(s) == FLUSH_FAILED) /* more_is_near() was wrong */
            session_close(s);
        else
            session_tick(s);
    }
}

void sessions_close(struct edge *edge)
{
    for (struct session *s = edge->sessions, *next; s; s = next) {
        next = s->next;
        session_close(s);
    }
}
