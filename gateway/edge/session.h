/*
 * session: one connection, for the files that make it up: session_open.c finds out whose it is,
 * session.c moves its bytes, session_ops.c answers the SMTP machine, session_clock.c keeps its time
 * limits. The machine is called from the
 * event loop only, and whoever called it ends with session_settle().
 */
#ifndef POTERNE_GATEWAY_EDGE_SESSION_H
#define POTERNE_GATEWAY_EDGE_SESSION_H

#include "gateway/edge/edge.h"
#include "gateway/smtp/address.h"

#define HEADER_TIME 10 /* seconds for a whole PROXY header */

enum line_state {
    LINE_PROXY,   /* the PROXY header comes first */
    LINE_WAITING, /* for the banner: who speaks now is no mail server */
    LINE_PLAIN,
    LINE_HANDSHAKE,
    LINE_TLS
};

struct session {
    struct edge *edge;
    enum listener_kind kind;
    struct session *prev, *next;
    struct smtp_session *smtp;
    struct arrival *arrival;      /* being received */
    const struct arrival *judged; /* while its fate is being told */
    struct client *client;
    struct event readable, writable;
    int fd;
    enum line_state line;
    SSL *ssl;
    bool busy;    /* the machine is at work: session_settle() waits for its end */
    bool reading; /* the event is on */
    bool unheard; /* it, or the one for writing, could not be put on: tried again at the tick */
    bool closing; /* nothing more is read but to be thrown away */
    bool unread;  /* TLS: the last turn ended before all was read */
    bool early;
    bool counted; /* among its client's sessions */
    unsigned lookups;
    size_t thrown_away;
    struct buf header;  /* LINE_PROXY: what came of it, and behind it */
    unsigned errors;    /* those that the tarpit has seen */
    unsigned slowed;    /* seconds that its answers came later, in all */
    time_t quiet_until; /* nothing is said before */
    time_t opened, heard;
    char ip[CLIENT_IP_SIZE];
    enum network_class network_class;
    unsigned recipients_tried; /* in this message */
    struct gate_key network;
    bool networked;                        /* network is known */
    bool takes_login;                      /* who logs in here submits mail */
    char client_name[SMTP_DOMAIN_MAX + 1]; /* empty: not known */
    bool named;                            /* by XCLIENT, and not by the DNS */
    struct who *who;                       /* being asked */
    struct who_facts facts;                /* what it said; name is client_name */
    struct vouch *vouch;                   /* being asked */
    unsigned vouches;                      /* begun */
    enum { VOUCH_NOT_ASKED, VOUCH_NO, VOUCH_YES } vouched;
    struct gate_key vouched_of;    /* the sender that it was asked of … */
    struct gate_key vouched_as;    /* … and VOUCH_YES: who vouches (greylist_sender()) */
    struct held_recipient *held;   /* recipients that wait for it, the last one first */
    char user[ADDRESS_MAX + 1];    /* the user name that was tried last … */
    char login[ADDRESS_MAX + 1];   /* … as it is shown */
    char account[ADDRESS_MAX + 1]; /* who has logged in, as the directory names him; "": nobody */
    char shown[ADDRESS_MAX + 1];   /* … as he is shown */
    char *claim;                   /* whom a token names, as long as that is asked; NULL: none */
    char *addresses;               /* … may send from, a blank between two */
    unsigned logins_failed;
    struct guess guess;            /* while the password is asked about */
    struct held_login *held_login; /* that waits to be; NULL: none does */
    time_t held_since;             /* … since then; 0: it does not */
    struct held_answer *answer;    /* to a login: it waits; NULL: none does */
    char name[SPOOL_ID_LEN + 1];   /* for the journal; made at the first refusal */
};

/*
 * Sends, then does what the machine wants. Everything that calls into the machine ends here; a call
 * from within it (an answer that came at once) leaves it to the outer one. May free the session.
 */
void session_settle(struct session *session);
/* Around whatever lets the machine go on: what is pipelined may be answered at once, from within,
 * and only the outermost may settle, which may free the session. */
bool session_enter(struct session *session);
void session_leave(struct session *session, bool outermost);

/* Answers come so many seconds later (QUIET_MAX at most in all). */
void session_delay(struct session *session, unsigned seconds);
#define QUIET_MAX 30

/* Begins it, or goes on with it. May free the session. */
void session_handshake(struct session *session);

enum flushed { FLUSH_DONE, FLUSH_WAITS, FLUSH_FAILED };

/* Sends what there is. Sending may let the machine go on and say more. */
enum flushed session_flush(struct session *session);
void session_set_reading(struct session *session, bool on);
void session_on_readable(evutil_socket_t fd, short what, void *session);
void session_on_writable(evutil_socket_t fd, short what, void *session);
/* At once, whatever is under way. */
void session_close(struct session *session);

/* --- session_open.c --- */
/* More of the PROXY header has come. May free the session. */
void session_read_header(struct session *session);
/* It speaks, or goes, before it was greeted. May free the session. */
void session_disturbed(struct session *session);
/* Once a second while LINE_WAITING. May free the session. */
void session_wait(struct session *session);

/* --- session_ops.c --- */
/* Is that a recipient? The answer goes to the machine. */
void session_ask_recipient(void *session, uint32_t ticket, struct str address);

/* --- session_who.c --- */
/* Asks the DNS about s->ip; what was known before is forgotten. */
void session_who_ask(struct session *session);
/* XCLIENT told its name. */
void session_who_named(struct session *session, struct str name);
/* Keeps a recipient until the DNS has answered; false: nothing is awaited. */
bool session_who_holds(struct session *session, uint32_t ticket, struct str address);
/* Do lists refuse it that recipient? */
bool session_who_refuses(const struct session *session, struct str address,
                         struct who_listed *listed);
/* Nothing is awaited any more. */
void session_who_end(struct session *session);

/* --- session_login.c --- */
/* Does it come from a port for our own people, who log in, or from one of them who has? */
bool session_submits(const struct session *session);
/* Whose session it is has been found out, or is another's now: may they log in? */
void session_login_begin(struct session *session);
/* May they send that to anybody: who has logged in, and a private relay of ours in our name? */
bool session_login_relays(const struct session *session);
/* Is that their password? The answer goes to the machine. */
void session_login(void *session, struct str user, struct str password);
/* May that be the sender? SMTP_NONE, or why not. */
enum smtp_status session_login_sends(const struct session *session, struct str sender);
/* Once a second: an answer that waits may have waited long enough. May free the session. False:
 * none waits. */
bool session_login_tick(struct session *session);
/* No answer is awaited any more. */
void session_login_end(struct session *session);

/* --- session_guess.c --- */
/* May that user's password be asked about? False: it was answered, or session_login() is called
 * again when it has its turn. */
bool session_guess_begin(struct session *session, struct str user, struct str password);
/* The same of a token, and session_token(). */
bool session_guess_begin_token(struct session *session, struct str user, struct str token);
void session_guess_end(struct session *session, enum login_result result);
/* The directory has answered, about whose account (empty: nobody's). False: it is at its limit, and
 * the session has been answered. */
bool session_guess_answered(struct session *session, enum login_result result, struct str account);
/* Nobody waits for the answer any more. */
void session_guess_forget(struct session *session);

/* --- session_answer.c --- */
void session_answer_forget(struct session *session);
/* The user name that was tried, for the log and the journal. */
void session_login_named(struct session *session, struct str user);
/* Not in: told to the log, counted and slowed down unless it is for now only. Returns status. */
enum smtp_status session_login_refuse(struct session *session, enum smtp_status status,
                                      const char *note);
/* What the login came to goes to the machine; a failure after a while. May free the session. */
void session_login_tell(struct session *session, enum smtp_status status, struct str words);

/* --- session_token.c --- */
/* Whose token is it? Then session_login_answer() hears what the directory says of its user. */
void session_token(void *session, struct str user, struct str token);
/* Is that account, which the token is of, the user who was named, if one was? */
bool session_token_fits(const struct session *session, const struct login_answer *account);
void session_token_forget(struct session *session);

/* --- session_limits.c --- */
/* One more message, one more recipient is to be sent: SMTP_NONE, or why not, with the detail. */
enum smtp_status session_limits_mail(struct session *session, struct str sender, struct buf *words);
enum smtp_status session_limits_recipient(struct session *session, struct buf *words);
/* Its bytes are about to come: was the account frozen meanwhile? */
enum smtp_status session_limits_message(const struct session *session);

/* --- session_grey.c --- */
/* Keeps a recipient until it is known whether the sender's domain vouches for the client, where
 * greylisting would put it off else; false: nothing is awaited. */
bool session_grey_holds(struct session *session, uint32_t ticket, struct str address);
/* Of a recipient that exists. SMTP_RECIPIENT_OK, or `words` says how long it has to wait. */
enum smtp_status session_grey_ask(struct session *session, struct str recipient, struct buf *words);
/* It is another client's from now on, or nobody's. */
void session_grey_end(struct session *session);

/* --- session_who.c: recipients that wait for what is asked --- */
/* False: out of memory. */
bool session_hold(struct session *session, uint32_t ticket, struct str address);
/* All that were held are asked for again. May free the session. */
void session_let_go_on(struct session *session);

/* --- session_open.c --- */
/* It is that client's from now on: SMTP_NONE, or why it must go. */
enum smtp_status session_known(struct session *session, const struct sockaddr_storage *address);

#endif
