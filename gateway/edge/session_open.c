/* The beginning of a session: whose is it, may it come in, and its greeting. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/edge/session.h"
#include "gateway/gate/proxy.h"

#define WAITED_LIFETIME (7u * 24 * 3600) /* seconds that who has waited is not asked to again */

static void link_in(struct session *s)
{
    struct edge *edge = s->edge;
    s->next = edge->sessions;
    if (s->next)
        s->next->prev = s;
    edge->sessions = s;
    edge->n_sessions++;
}

/* Strangers are told little, so that they get their notices from the server before us. */
static bool offers_dsn(const struct session *s)
{
    const struct edge *edge = s->edge;
    if (edge->conf->bounces.offer != OFFER_OURS)
        return edge->conf->bounces.offer == OFFER_EVERYBODY;
    return session_submits(s) || networks_hold(&edge->inside, str_of(s->ip));
}

enum smtp_status session_known(struct session *s, const struct sockaddr_storage *address)
{
    struct edge *edge = s->edge;
    struct client *client = client_hold(edge->clients, address);
    if (client == NULL)
        return SMTP_NO_MEMORY;
    if (s->counted)
        s->client->sessions--;
    client_release(edge->clients, &s->client);
    s->client = client;
    s->counted = false;
    client_ip(address, s->ip);
    s->networked = gate_network(str_of(s->ip), &s->network);
    s->network_class = classes_find(&edge->classes, str_of(s->ip));
    session_login_begin(s);
    smtp_trust(s->smtp, !session_submits(s) && networks_hold(&edge->xclient_from, str_of(s->ip)));
    smtp_offer_dsn(s->smtp, offers_dsn(s));
    if (client->sessions >= edge->conf->smtp.client_sessions_limit)
        return SMTP_TOO_MANY_FROM_CLIENT;
    client->sessions++;
    s->counted = true;
    session_grey_end(s);
    session_who_ask(s); /* of nobody who is sent away at once */
    return SMTP_NONE;
}

/* Whoever speaks before it is greeted is no mail server (RFC 5321 3.1). */
static bool spoke_early(int fd)
{
    char c;
    return recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void say_hello(struct session *s, enum smtp_status refuse)
{
    s->line = LINE_PLAIN;
    if (s->early && s->edge->conf->gate.early_talker && refuse == SMTP_NONE)
        refuse = SMTP_EARLY_TALKER;
    smtp_greet(s->smtp, refuse);
}

/* It has waited once within the last days. */
static bool has_waited(const struct session *s)
{
    uint32_t now = (uint32_t)time(NULL);
    struct gate_entry *e = s->networked ? gate_table_find(s->edge->waited, &s->network) : NULL;
    if (e == NULL || now - e->last > WAITED_LIFETIME)
        return false;
    e->last = now;
    return true;
}

/* The greeting comes behind the handshake; nothing can be said before. */
static void begin_tls(struct session *s, enum smtp_status refuse)
{
    if (refuse == SMTP_NONE) {
        session_handshake(s);
        return;
    }
    log_info("client %s: %s", s->ip, smtp_reply_of(refuse)->text);
    session_close(s);
}

/* `bytes` came behind a PROXY header. */
static void greet(struct session *s, enum smtp_status refuse, struct str bytes)
{
    if (s->kind == LISTEN_SUBMISSIONS) {
        begin_tls(s, refuse);
        return;
    }
    s->early = bytes.n > 0 || spoke_early(s->fd);
    if (s->early)
        log_info("client %s spoke before it was greeted", s->ip);
    if (refuse == SMTP_NONE && !s->early && !session_submits(s) && s->edge->waited &&
        !has_waited(s)) {
        s->line = LINE_WAITING;
        session_set_reading(s, true);
        return;
    }
    say_hello(s, refuse);
    if (bytes.n && smtp_wants(s->smtp) == SMTP_WANT_INPUT) {
        s->busy = true;
        smtp_input(s->smtp, bytes);
        s->busy = false;
    }
    session_settle(s);
}

void session_disturbed(struct session *s)
{
    char c;
    ssize_t got = recv(s->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        session_close(s);
        return;
    }
    s->early = true;
    log_info("client %s spoke before it was greeted", s->ip);
    say_hello(s, SMTP_NONE);
    session_settle(s);
}

void session_wait(struct session *s)
{
    if (s->edge->now - s->opened <= (time_t)s->edge->conf->gate.early_talker)
        return;
    if (s->networked)
        gate_table_take(s->edge->waited, &s->network, (uint32_t)time(NULL));
    say_hello(s, SMTP_NONE);
    session_settle(s);
}

void session_open(struct edge *edge, int fd, const struct sockaddr_storage *address,
                  enum listener_kind kind, enum smtp_status refuse)
{
    const struct smtp_config *config = kind == LISTEN_SMTP ? &edge->smtp : &edge->submission;
    struct session *s = calloc(1, sizeof *s);
    struct smtp_session *smtp = s ? smtp_new(config, s) : NULL;
    if (smtp == NULL) {
        log_error("out of memory for a session");
        free(s);
        close(fd);
        return;
    }
    *s = (struct session){.edge = edge, .kind = kind, .smtp = smtp, .fd = fd, .line = LINE_PLAIN};
    client_ip(address, s->ip);
    s->opened = s->heard = edge->now;
    buf_init(&s->header, PROXY_MAX);
    event_assign(&s->readable, edge->base, fd, EV_READ | EV_PERSIST, session_on_readable, s);
    event_assign(&s->writable, edge->base, fd, EV_WRITE, session_on_writable, s);
    link_in(s);
    if (refuse == SMTP_NONE && networks_hold(&edge->proxy_from, str_of(s->ip))) {
        s->line = LINE_PROXY;
        session_set_reading(s, true);
        return;
    }
    greet(s, refuse == SMTP_NONE ? session_known(s, address) : refuse, STR_EMPTY);
}

/* Nothing is said to it: what it takes for a server's greeting would be handed to somebody. */
static void refuse_proxy(struct session *s, const char *why)
{
    log_warning("proxy %s: %s; closed", s->ip, why);
    session_close(s);
}

/* Whose session the header says it is; of a client that nobody knows: AF_UNSPEC. */
static bool source_of(const struct session *s, enum proxy_result result,
                      struct sockaddr_storage *source)
{
    socklen_t n = sizeof *source;
    if (result == PROXY_UNKNOWN)
        *source = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
    return result != PROXY_OWN || getpeername(s->fd, (struct sockaddr *)source, &n) == 0;
}

static void header_read(struct session *s, const struct sockaddr_storage *source, size_t used)
{
    struct buf header = s->header;
    buf_init(&s->header, PROXY_MAX);
    s->line = LINE_PLAIN;
    s->opened = s->heard = s->edge->now;
    enum smtp_status refuse = session_known(s, source);
    greet(s, refuse, str_from(buf_str(&header), used));
    buf_release(&header);
}

void session_read_header(struct session *s)
{
    struct sockaddr_storage source;
    size_t used;
    bool tls = s->kind == LISTEN_SUBMISSIONS; /* what comes behind it is OpenSSL's to read */
    size_t before = s->header.n;
    ssize_t got = recv(s->fd, s->edge->block, PROXY_MAX - before, tls ? MSG_PEEK : 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) { /* it only looked whether we are there */
        session_close(s);
        return;
    }
    buf_add(&s->header, str_n(s->edge->block, (size_t)got));
    enum proxy_result result = proxy_read(buf_str(&s->header), &source, &used);
    if (tls && result != PROXY_BAD) {
        size_t own = result == PROXY_MORE ? (size_t)got : used - before;
        if (recv(s->fd, s->edge->block, own, 0) != (ssize_t)own)
            result = PROXY_BAD;
    }
    if (!buf_ok(&s->header))
        refuse_proxy(s, "out of memory for its PROXY header");
    else if (result == PROXY_BAD)
        refuse_proxy(s, "its connection does not begin with a PROXY header (gate.proxy_from)");
    else if (result != PROXY_MORE && source_of(s, result, &source))
        header_read(s, &source, used);
    else if (result != PROXY_MORE)
        session_close(s);
}
