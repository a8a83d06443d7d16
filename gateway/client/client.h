/*
 * client: our side of an SMTP (RFC 5321) or LMTP (RFC 2033) connection, without the connection:
 * bytes that came in go to client_input(), bytes that shall go out stand in `out`. One connection
 * carries one message after another.
 *
 *   GREETING ─► HELLO ─► [HELO] ─► READY ─► ENVELOPE ─► BODY ─► FINAL ─► READY …
 *               ▲   │                ▲         │ nobody accepted
 *   HANDSHAKE ──┘   ▼                └─────────┘          any state ─► DEAD
 *            ▲─ STARTTLS             HELLO ─► LOGIN ─► READY, where we log in
 *
 * Whoever drives it looks at the state after each call: in READY a message can begin; in BODY
 * client_pump() is called whenever `out` is empty; in HANDSHAKE TLS begins, and client_secured() is
 * called when it stands (RFC 3207: what was said before counts no more); when DEAD, `error` says
 * why and the connection is closed. Each recipient of a message gets exactly one result, if need be
 * by client_abandon().
 *
 * What the sender asked of notices (RET, ENVID, NOTIFY, ORCPT) is passed on where DSN is offered.
 * What the other side does not offer: without SMTPUTF8 what needs it is refused (RFC 6531 3.2).
 * Without 8BITMIME an 8-bit message goes out as it is, which RFC 6152 3 forbids: to recode it would
 * break its signatures, nearly no server cuts off the eighth bit, and to give it back would lose
 * more mail than that.
 */
#ifndef POTERNE_GATEWAY_CLIENT_CLIENT_H
#define POTERNE_GATEWAY_CLIENT_CLIENT_H

#include "gateway/client/body.h"
#include "gateway/client/login.h"
#include "gateway/client/reply.h"

#define CLIENT_RECIPIENTS_MAX                                                                      \
    100 /* in one transaction: every server takes these (5321 4.5.3.1.8) */
#define CLIENT_TEXT_MAX SPOOL_DETAIL_MAX

enum client_protocol { CLIENT_SMTP, CLIENT_LMTP };

enum client_tls {
    CLIENT_TLS_NONE,
    CLIENT_TLS_MAY, /* where it is offered */
    CLIENT_TLS_MUST /* or nothing is sent */
};

enum client_state {
    CLIENT_GREETING,
    CLIENT_HELLO,
    CLIENT_HELO,
    CLIENT_STARTTLS,
    CLIENT_HANDSHAKE,
    CLIENT_LOGIN,
    CLIENT_READY,
    CLIENT_ENVELOPE,
    CLIENT_BODY,
    CLIENT_FINAL,
    CLIENT_DEAD
};

enum client_outcome {
    CLIENT_DELIVERED, /* the next hop has taken responsibility */
    CLIENT_DEFERRED,  /* try again later */
    CLIENT_REFUSED    /* trying again would not help */
};

struct client_hooks {
    /* `recipient` counts within the transaction; text is the reply, or what went wrong. */
    void (*result)(void *data, size_t recipient, enum client_outcome outcome, struct str text);
    void *data;
};

/* All of them have the same sender and header lines of their own (spool_recipient). */
struct client_transaction {
    const struct spool_file *file;
    const uint32_t *recipients; /* indexes in its envelope */
    size_t n;                   /* 1 to CLIENT_RECIPIENTS_MAX */
};

struct client {
    enum client_protocol protocol;
    enum client_state state;
    const char *hostname;
    enum client_tls tls;       /* NONE after client_init() */
    const struct login *login; /* said over TLS before anything else; NULL: nobody logs in */
    unsigned login_step;
    bool ours;   /* it is a server of our own domains, on our side of the world */
    bool proved; /* TLS has shown that this is the right server, by a name that was proved itself */
    bool secured;
    bool requiretls; /* it carries what is to go over proved TLS only (RFC 8689) */
    bool wants_tls;  /* it said that nothing is taken in clear */
    bool no_tls;     /* DEAD since TLS must be and is not offered */
    bool lacks;      /* DEAD since it has not what REQUIRETLS asks for */
    struct client_hooks hooks;
    struct reply reply;
    struct buf out;
    char error[CLIENT_TEXT_MAX + 64];
    struct {
        bool pipelining, eightbit, smtputf8, size, starttls, dsn, requiretls;
        struct login_offers auth;
        uint64_t size_limit; /* 0: none told */
    } offers;
    bool reset_first;  /* the last transaction ended before its message */
    unsigned messages; /* transactions that were finished */
    unsigned replies;  /* that have come */
    /* the transaction under way */
    struct client_transaction transaction;
    struct body body;
    int sent;     /* the step that goes out next */
    int answered; /* the step whose reply comes next */
    bool mail_accepted;
    bool touched;   /* a reply of this transaction has come */
    bool abandoned; /* somebody in it has no answer, but client_abandon()'s result */
    size_t n_accepted;
    size_t finals; /* replies to the message that have come (LMTP: one a recipient) */
    enum {
        RECIPIENT_OPEN,
        RECIPIENT_ACCEPTED, /* at RCPT */
        RECIPIENT_DONE,     /* has its result */
        RECIPIENT_UNASKED   /* has it without a command */
    } recipients[CLIENT_RECIPIENTS_MAX];
};

void client_init(struct client *client, enum client_protocol protocol, const char *hostname,
                 const struct client_hooks *hooks);
void client_release(struct client *client);

void client_input(struct client *client, struct str bytes);
/* In HANDSHAKE only: TLS stands. */
void client_secured(struct client *client);
/* In READY only. May come back READY at once, when every recipient already got a result. What the
 * transaction points to must live until then. */
void client_begin(struct client *client, const struct client_transaction *transaction);
/* In BODY only: puts the next piece of the message into out. */
void client_pump(struct client *client);
/* The connection is lost or given up: DEAD, with that error unless it was DEAD before. */
void client_kill(struct client *client, const char *why);
/* The same, and who has no result yet gets DEFERRED with the error. */
void client_abandon(struct client *client, const char *why);
/* The same for a connection that broke while we were sending; `bytes` had come in before. A server
 * that refuses a message midway says so and closes: that is then its reply. */
void client_cut_off(struct client *client, struct str bytes, const char *why);

/* A transaction has begun of which nothing is known to have reached the other side: it may be tried
 * on another connection at once. */
bool client_is_untouched(const struct client *client);

#endif
