/*
 * smtp: the server's side of one SMTP session as a machine without I/O: bytes go in, reply bytes
 * come out, and what needs the world is asked through smtp_ops. Unit tests, transcripts
 * and the fuzzer drive it as poterne-edge does.
 *
 * RFC 5321 with PIPELINING (2920), SIZE (1870), 8BITMIME (6152), SMTPUTF8 (6531),
 * ENHANCEDSTATUSCODES (2034), CHUNKING (3030, without BINARYMIME), STARTTLS (3207); where mail is
 * submitted AUTH (4954), which is asked for before MAIL (6409); DSN (3461) for those whom we tell;
 * over TLS REQUIRETLS (8689);
 * Postfix's XCLIENT from those who may say so.
 *
 * The owner's loop:
 *     smtp_greet()
 *     smtp_wants() == SMTP_WANT_INPUT   read; smtp_input()
 *                     SMTP_WANT_OUTPUT  send what smtp_output() holds before reading on
 *                     SMTP_WANT_ANSWER  wait until smtp_recipient_answer(), smtp_message_answer()
 *                                     or smtp_login_answer()
 *                     SMTP_WANT_TLS     send the output, shake hands, smtp_tls_started()
 *                     SMTP_WANT_CLOSE   send the output, close, smtp_free()
 *     send smtp_output() after every call; tell smtp_sent().
 *
 * Limits are those of conf.smtp. Input is held only while it can't be worked on: at most one
 * block (SMTP_BLOCK_MAX) and one command line. An idle session owns no buffer.
 */
#ifndef POTERNE_GATEWAY_SMTP_SMTP_H
#define POTERNE_GATEWAY_SMTP_SMTP_H

#include "base/conf.h"
#include "gateway/smtp/reply.h"
#include "mail/dsn.h"

#define SMTP_BLOCK_MAX       (64 * 1024) /* bytes in one smtp_input() */
#define SMTP_LOOKUPS_MAX     64          /* pipelined recipients being looked up at once */
#define SMTP_OUTPUT_HIGH     (8 * 1024)  /* output waiting: no command is worked on */
#define SMTP_POSTMASTER_SIZE 320

/* A message whose end has come. Everything lives until smtp_message_answer() or abort. */
struct smtp_recipient {
    const struct smtp_recipient *next;
    struct str address; /* as given, without source route and needless quotes; or rewritten */
    struct str how;     /* what the directory said of it */
    struct str orcpt;   /* ORCPT as it was said, or empty */
    unsigned notify;    /* NOTIFY likewise: DSN_ bits (mail/dsn.h) */
    struct str way;     /* the owner's: where else its mail goes; empty: nowhere */
};

/* Of all recipients of one message: their addresses, `how`, ORCPT and SMTP_RECIPIENT_BYTES for
 * each. Who does not fit in gets 452 4.5.3, so that a client comes again with the others (RFC
 * 5321 4.5.3.1.10); the message would not go into the spool (SPOOL_RECIPIENTS_BYTES, which has room
 * for redirections beside). */
#define SMTP_RECIPIENTS_BYTES ((size_t)2 * 1024 * 1024)
#define SMTP_RECIPIENT_BYTES  28

struct smtp_envelope {
    struct str sender; /* empty: the null sender */
    const struct smtp_recipient *recipients;
    size_t n_recipients;
    bool report; /* its one recipient takes reports */
    bool smtputf8;
    bool eightbit;
    struct str envid; /* ENVID as it was said, or empty */
    enum dsn_ret ret;
    bool requiretls;
    bool mended; /* its bytes are not all as they came (mend.h) */
};

/* A mail or a client turned away (replies whose `journal` is set). Texts live during the call. */
struct smtp_refusal {
    const char *stage; /* "connect" "helo" "auth" "mail" "rcpt" "data" "content" */
    const struct smtp_reply *reply;
    struct str text; /* the reply's words and detail */
    struct str sender, recipient;
};

/* Whose session it is that a server of ours passes on (XCLIENT). A text that is empty is known to
 * be unavailable; one whose `s` is NULL was not told: what was known before holds. */
struct smtp_xclient {
    struct str name;    /* its host name, checked by that server */
    struct str address; /* "192.0.2.1", "2001:db8::1" */
};

/* All get the `owner` of smtp_new(). None of them may free the session. */
struct smtp_ops {
    /* The client says who it is: SMTP_NONE, or why not. */
    enum smtp_status (*helo)(void *owner, struct str name);
    /* Is that who it says it is? Answered by smtp_login_answer(), now or later. The texts are wiped
     * when this returns; an empty password is never right. Only where logins are taken. */
    void (*login)(void *owner, struct str user, struct str password);
    /* Whose token is it, and is it that user's, where one is named? Answered likewise; the texts
     * are wiped, too, and an empty token is never right. Only where section oauth says so. */
    void (*token)(void *owner, struct str user, struct str token);
    /* MAIL is about to be accepted: SMTP_NONE, or why not, with the reply's detail in `words`.
     * bytes: SIZE as it was said, or 0. */
    enum smtp_status (*mail)(void *owner, struct str sender, uint64_t bytes, struct buf *words);
#define SMTP_WORDS_MAX 400
    /* Is that a recipient? Answered by smtp_recipient_answer(), now or later, in any order. */
    void (*recipient)(void *owner, uint32_t ticket, struct str address);
    /* A message begins. SMTP_NONE, or why not (then no other call for it comes). */
    enum smtp_status (*begin)(void *owner);
    /* Its bytes. SMTP_NONE, or why it fails: the rest is swallowed, then `abort` and that reply. */
    enum smtp_status (*data)(void *owner, struct str block);
    /* All bytes are there; the verdict comes by smtp_message_answer(), now or later. */
    void (*end)(void *owner, const struct smtp_envelope *envelope);
    /* A message that was begun will not end; nor may an answer come any more. */
    void (*abort)(void *owner);
    void (*refused)(void *owner, const struct smtp_refusal *refusal);
    /* The client is another one from now on: SMTP_NONE, or why not. */
    enum smtp_status (*xclient)(void *owner, const struct smtp_xclient *client);
};

struct smtp_config {
    const struct conf *conf;
    const struct smtp_ops *ops;
    const char *postmaster; /* the address behind <postmaster> */
    bool tls;               /* STARTTLS is offered */
    bool submission;        /* mail is taken over TLS only, and from who has logged in */
};

enum smtp_want {
    SMTP_WANT_INPUT,
    SMTP_WANT_OUTPUT,
    SMTP_WANT_ANSWER,
    SMTP_WANT_TLS,
    SMTP_WANT_CLOSE
};

struct smtp_session;

/* config and what it points to outlive the session. NULL: out of memory. */
struct smtp_session *smtp_new(const struct smtp_config *config, void *owner);
/* Aborts a message under way; NULL is fine. */
void smtp_free(struct smtp_session **session);

/* Whether the client may log in though this is no submission (over TLS, as ever); false to begin
 * with. Once it has, the owner takes it for one. */
void smtp_offer_login(struct smtp_session *session, bool offered);
/* Whether the client may say whose session it passes on; false to begin with. */
void smtp_trust(struct smtp_session *session, bool trusted);
/* Whether DSN is offered; false to begin with. From whom it is not offered it is not taken. */
void smtp_offer_dsn(struct smtp_session *session, bool offered);
/* The banner, or with a status that closes: what is said in its place. */
void smtp_greet(struct smtp_session *session, enum smtp_status status);
/* Only while SMTP_WANT_INPUT; all of `bytes` (SMTP_BLOCK_MAX at most) is taken, and what is a
 * password in them is overwritten. */
void smtp_input(struct smtp_session *session, struct str bytes);
/* What waits to be sent. After sending n bytes of it call smtp_sent(). */
struct str smtp_output(const struct smtp_session *session);
void smtp_sent(struct smtp_session *session, size_t n);
enum smtp_want smtp_wants(const struct smtp_session *session);

/*
 * SMTP_RECIPIENT_OK, SMTP_REPORT_OK or a refusal (of SMTP_GREYLISTED, SMTP_LISTED,
 * SMTP_SENDING_LIMITED, SMTP_MESSAGE_LIMITED and SMTP_REDIRECTION_FORBIDDEN `how` is the detail);
 * an unknown ticket is ignored. What takes reports stands alone in a message, since a report gets
 * no verdict of its own and everybody else's copy does: the later of two such recipients is told to
 * come in another message. So is one whose domain lets something else happen to a message that
 * fails DMARC than that of the first (conf_domain.dmarc).
 */
void smtp_recipient_answer(struct smtp_session *session, uint32_t ticket, enum smtp_status status,
                           struct str how);
/* Before the answer that accepts it: the message goes to this address, whatever RCPT named. False:
 * out of memory, or an unknown ticket. */
bool smtp_recipient_rewrite(struct smtp_session *session, uint32_t ticket, struct str address);
/* Likewise before it: what the owner finds with that recipient when the message has come. */
bool smtp_recipient_way(struct smtp_session *session, uint32_t ticket, struct str way);
/* SMTP_QUEUED (detail: its id) or a refusal. */
void smtp_message_answer(struct smtp_session *session, enum smtp_status status, struct str detail);
/* SMTP_AUTH_OK or why not. */
void smtp_login_answer(struct smtp_session *session, enum smtp_status status, struct str detail);
void smtp_tls_started(struct smtp_session *session);
/* The banner, where the handshake came before everything else (RFC 8314 3.3). */
void smtp_greet_tls(struct smtp_session *session);

/* Ends the session with a status that closes (time is up, peer must go). */
void smtp_end(struct smtp_session *session, enum smtp_status status);
/* From now on 421 as soon as no message is under way. */
void smtp_drain(struct smtp_session *session);

/* What the owner asks for time limits, the Received field and the log. */
bool smtp_in_message(const struct smtp_session *session); /* between 354 or BDAT and its end */
struct str smtp_helo(const struct smtp_session *session);
/* Of the transaction; empty: the null sender, or there is none. */
struct str smtp_sender(const struct smtp_session *session);
bool smtp_authenticated(const struct smtp_session *session);
/* 5xx answers so far. */
unsigned smtp_errors(const struct smtp_session *session);
/* RFC 3848 and RFC 6531 4.3 */
const char *smtp_protocol(const struct smtp_session *session);

#endif
