/*
 * machine: what the files of this folder share about a session; nobody else includes it.
 * session_become() is the only one that changes the state, session_reset() the only one that
 * forgets a transaction, session_reply() the only one that answers.
 */
#ifndef POTERNE_GATEWAY_SMTP_MACHINE_H
#define POTERNE_GATEWAY_SMTP_MACHINE_H

#include "gateway/smtp/body.h"
#include "gateway/smtp/mend.h"
#include "gateway/smtp/sasl.h"
#include "gateway/smtp/smtp.h"

enum session_state {
    AT_START,   /* connected, or TLS just started: no HELO yet */
    AT_READY,   /* no message under way */
    AT_MAIL,    /* MAIL accepted */
    AT_CHUNKS,  /* between two BDATs of one message */
    AT_DATA,    /* in the bytes of DATA */
    AT_CHUNK,   /* in the bytes of a BDAT, wanted or not */
    AT_VERDICT, /* the message's fate is awaited */
    AT_AUTH,    /* in the lines of AUTH */
    AT_LOGIN,   /* whether the password is right is awaited */
    AT_TLS,     /* 220 said, handshake not yet done */
    AT_CLOSED
};

#define IN(state) (1u << (state))

struct recipient {
    struct smtp_recipient pub; /* first: next and the rest are this list's */
    struct recipient *next;
    enum smtp_status status; /* SMTP_NONE: not answered yet */
    uint32_t ticket;
    char *how;
    char *orcpt;
    char *to;  /* what the address is rewritten to; NULL: as it is */
    char *way; /* pub.way */
    char address[];
};

/* From MAIL to its end. */
struct transaction {
    struct smtp_envelope envelope;
    struct recipient *accepted, *last_accepted;
    struct recipient *asked, *last_asked; /* replies are owed in this order */
    size_t n_asked;
    size_t recipient_bytes;          /* of SMTP_RECIPIENTS_BYTES */
    size_t n_elsewhere;              /* told to come in another message */
    const struct conf_domain *rules; /* whose hold for the message; NULL: nobody's yet */
    size_t n_refused;
    bool begun;              /* ops->begin has been called and not ended */
    enum smtp_status failed; /* the message is being swallowed, for this reason */
    uint64_t size;           /* bytes that came */
    uint64_t stored;         /* bytes that were handed on */
    struct smtp_body body;
    struct smtp_mender mender;
    char envid[DSN_ENVID_MAX];
    char sender[];
};

struct smtp_session {
    const struct smtp_config *config;
    void *owner;
    enum session_state state;
    bool running;
    bool blocked; /* the next command must wait for look-ups */
    bool skipping_line;
    bool draining;
    bool extended; /* EHLO */
    bool tls;
    bool login_offered; /* though it is no submission */
    bool authenticated;
    unsigned logins_failed;
    struct sasl *sasl;              /* from AUTH until its answer */
    enum smtp_status token_refused; /* as soon as the client has heard why; SMTP_NONE: nothing is */
    bool last_chunk;
    enum smtp_status after_chunk; /* reply when an unwanted chunk is swallowed */
    enum session_state from_chunk;
    unsigned errors, idle_commands, messages;
    uint32_t next_ticket;
    uint64_t chunk_left;
    struct str in;   /* not yet worked on */
    struct buf rest; /* input that waits */
    struct buf out;
    char *helo;
    bool trusted;         /* XCLIENT is offered */
    bool dsn;             /* DSN is */
    char *client_helo;    /* what the session that is passed on said of itself; NULL: nobody told */
    bool client_plain;    /* it spoke SMTP, */
    bool client_extended; /* … ESMTP; neither: nobody told */
    struct transaction *transaction;
    const char *stage; /* of the command being worked on, for refusals */
};

static inline bool session_takes_logins(const struct smtp_session *s)
{
    return s->config->submission || s->login_offered;
}

/* --- session.c --- */
void session_become(struct smtp_session *s, enum session_state state);
/* Forgets the transaction; a message that was begun is aborted. Back to AT_READY or AT_START. */
void session_reset(struct smtp_session *s);
void session_reply(struct smtp_session *s, enum smtp_status status, struct str detail);
/* Nobody has said HELO yet; the transaction is forgotten. */
void session_restart(struct smtp_session *s);
void session_say_banner(struct smtp_session *s);
void session_refused(struct smtp_session *s, enum smtp_status status, struct str detail,
                     struct str recipient);

/* After an answer that came from outside: works on what waits. */
void session_go_on(struct smtp_session *s);

/* What a reply that is on its way means for the session: its end, one more error. */
void session_count_reply(struct smtp_session *s, enum smtp_status status);

/* --- commands.c --- */
/*
 * A command. `act` answers by its return value; SMTP_NONE when it has answered itself or will.
 */
struct command {
    struct str verb;
    unsigned states; /* where it may be said */
    enum { ARGS_NONE, ARGS_MAY, ARGS_MUST } args;
    bool idle; /* counts against commands_limit */
    const char *stage;
    enum smtp_status (*act)(struct smtp_session *s, struct str args);
};

void command_run(struct smtp_session *s, struct str line);
/* May this line be worked on while look-ups are under way? */
bool command_goes_on(struct str line);

enum smtp_status cmd_helo(struct smtp_session *s, struct str args);
enum smtp_status cmd_ehlo(struct smtp_session *s, struct str args);
enum smtp_status cmd_mail(struct smtp_session *s, struct str args);
enum smtp_status cmd_rcpt(struct smtp_session *s, struct str args);
enum smtp_status cmd_data(struct smtp_session *s, struct str args);
enum smtp_status cmd_bdat(struct smtp_session *s, struct str args);
enum smtp_status cmd_rset(struct smtp_session *s, struct str args);
enum smtp_status cmd_starttls(struct smtp_session *s, struct str args);
enum smtp_status cmd_auth(struct smtp_session *s, struct str args);
#define SMTP_XCLIENT_OFFER "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT REVERSE_NAME"
enum smtp_status cmd_xclient(struct smtp_session *s, struct str args);

/* --- cmd_auth.c --- */
/* "AUTH PLAIN …", for EHLO. */
struct str auth_offer(const struct smtp_session *s);
/* A line of the exchange. */
void auth_line(struct smtp_session *s, struct str line);
/* The exchange is over: what was said in it is wiped. */
void auth_forget(struct smtp_session *s);

/* --- recipients.c --- */
void recipients_free(struct transaction *t);
/* Adds one at the end of the replies owed; NULL: out of memory. */
struct recipient *recipients_add(struct transaction *t, struct str address,
                                 enum smtp_status status);
/* What is asked of its notices. False: out of memory. */
bool recipients_ask_notice(struct recipient *r, unsigned notify, struct str orcpt);
/* Notes the answer to a look-up; false when nobody waits for it. */
bool recipients_answer(struct transaction *t, uint32_t ticket, enum smtp_status status,
                       struct str how);
bool recipients_rewrite(struct transaction *t, uint32_t ticket, struct str address);
bool recipients_way(struct transaction *t, uint32_t ticket, struct str way);
/* Says all replies that are due. */
void recipients_reply(struct smtp_session *s);

/* --- cmd_bdat.c --- */
/* Takes what has come of a chunk; false when more bytes are needed. */
bool chunk_step(struct smtp_session *s);

/* --- message.c --- */
/* A message that is refused before its end is swallowed up to so many times size_limit. */
#define SMTP_SWALLOW_FACTOR 4u

/* Starts a message if none is begun; false: failed, and transaction->failed says why. */
bool message_begin(struct smtp_session *s);
/* Hands on a block, or swallows it. */
smtp_body_sink message_block;
/* After the last chunk: the last line gets its end. */
void message_finish(struct smtp_session *s);
/* Its reply is said: forgets it. The session ends behind a doubtful message, since what
 * follows may be what another server did not take for its end (body.h). */
void message_over(struct smtp_session *s);
/* It is bigger than anybody's patience allows: the session has been ended. */
bool message_hopeless(struct smtp_session *s);
/* The end has come: asks for the verdict or refuses. */
void message_end(struct smtp_session *s);

/* --- params.c --- */
/* One of " NAME" or " NAME=VALUE" (RFC 5321 4.1.2). */
struct param {
    struct str name, value;
    bool has_value;
};
/* 1: taken off *rest; 0: none left; -1: malformed */
int param_next(struct str *rest, struct param *param);

#endif
