/*
 * edge: what the files of poterne-edge share. One process, one event loop, many sessions; the
 * threads of commit.h only do what blocks and touch nothing of this but their own message.
 *
 *   edge.c           the process: load, sandbox, serve, tick, drain
 *   accept.c    listeners: who may come in
 *   session*.c  one connection: socket, TLS, time limits, and the SMTP machine within
 *   arrival.c   one message from its first byte to its fate
 */
#ifndef POTERNE_GATEWAY_EDGE_H
#define POTERNE_GATEWAY_EDGE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include "base/role.h"
#include "gateway/edge/client.h"
#include "gateway/edge/commit.h"
#include "gateway/edge/journal.h"
#include "gateway/edge/killers.h"
#include "gateway/edge/logins.h"
#include "gateway/edge/recipients.h"
#include "gateway/edge/room.h"
#include "gateway/edge/scan.h"
#include "gateway/edge/tokens.h"
#include "gateway/edge/vouch.h"
#include "gateway/edge/who.h"
#include "gateway/freeze.h"
#include "gateway/gate/classes.h"
#include "gateway/gate/greylist.h"
#include "gateway/gate/guesses.h"
#include "gateway/gate/harvest.h"
#include "gateway/gate/limits.h"
#include "gateway/gate/networks.h"
#include "gateway/gate/senders.h"
#include "gateway/link.h"
#include "gateway/smtp/smtp.h"
#include "reports/key.h"
#include "sender/srs.h"
#include "spool/spool.h"

/* In the order in which poterned opens them (gateway/places.h). */
enum listener_kind {
    LISTEN_SMTP,       /* smtp.listen: mail from everywhere */
    LISTEN_SUBMISSION, /* submission.listen: STARTTLS, then a login */
    LISTEN_SUBMISSIONS /* submission.listen_tls: TLS, then a login */
};

/* Those that wait until a password before them was right (session_guess.c). */
struct held_login;
struct held_logins {
    struct held_login *first, *last;
    size_t n;
    struct event turn;
};

struct edge {
    const struct role_env *env;
    const struct conf *conf;
    struct event_base *base;
    SSL_CTX *tls;            /* NULL: STARTTLS is not offered */
    time_t certificate_look; /* when its end is looked at next */
    struct spool *spool;
    int incoming_fd;     /* locked: see edge_load() */
    struct srs_keys srs; /* for return addresses of what is redirected, out of the same secret */
    struct keys keys;    /* that sign X-Poterne-Id; none: it is not signed */
    struct smtp_config smtp, submission;
    char postmaster[SMTP_POSTMASTER_SIZE];

    struct event listeners[ROLE_LISTENERS_MAX];
    size_t n_listeners;
    bool deaf;            /* out of descriptors: not listening for a moment */
    int spare_fd;         /* given up to turn somebody away when there is no other; -1: gone */
    unsigned turned_away; /* since the last tick */
    struct event tick, ctl;

    struct networks proxy_from, xclient_from, inside;
    struct classes classes;
    struct limits limits;    /* of what is sent */
    time_t uncounted;        /* when it was last told that something could not be counted */
    struct senders *senders; /* who may send nothing */
    struct guesses guesses;  /* where somebody can log in */
    struct held_logins held_logins;
    struct freeze_notes notes; /* that managers were told of who is frozen */
    struct gate_table *harvest;
    struct gate_table *waited; /* networks that did not speak before the banner */
    struct greylist greylist;  /* gate.greylist: its tables are open */
    struct clients *clients;
    struct session *sessions;
    size_t n_sessions, sessions_max;
    char *block; /* SMTP_BLOCK_MAX: where everybody's input is read to */

    struct recipients_desk *recipients;
    struct logins_desk *logins; /* NULL: nobody can log in */
    struct tokens_desk *tokens; /* NULL: … by token */
    struct dns_desk *dns;       /* NULL: the DNS is not asked */
    struct lists *lists;        /* goes with it */
    struct scanner *scanner;
    struct killers killers;
    struct committer *committer;
    struct link *delivery;
    struct edge_journal *journal;

    size_t n_messages; /* those whose session is gone included */
    time_t now;        /* monotonic, of this second */
    struct room room;  /* on the disk */
    bool draining;
    time_t drain_end;
    time_t emptied; /* when the last session went; 0: not yet */
};

/* --- accept.c --- */
int accept_start(struct edge *edge, struct err *err);
void accept_stop(struct edge *edge);
/* Once a second: listens again after it ran out of descriptors. */
void accept_tick(struct edge *edge);

/* --- session*.c --- */
struct session;
struct arrival;
extern const struct smtp_ops session_ops;
/* fd becomes the session's, which ends by itself. `refuse`: SMTP_NONE, or what is said in place of
 * the banner. */
void session_open(struct edge *edge, int fd, const struct sockaddr_storage *address,
                  enum listener_kind kind, enum smtp_status refuse);
/* What became of the session's message. */
void session_arrival_fate(struct session *session, enum smtp_status status, struct str detail,
                          const struct arrival *judged);
/* What the directory says of a recipient (recipients.h). */
recipients_answered session_recipient_answer;
/* … and of a login (logins.h). */
logins_answered session_login_answer;
/* … and its issuer of a token (tokens.h). */
tokens_answered session_token_answer;
void held_logins_start(struct edge *edge);
/* Once a second, and when one has its turn. */
void held_logins_tick(struct edge *edge);
void sessions_drain(struct edge *edge);
/* Time limits; once a second. */
void sessions_tick(struct edge *edge);
/* All of them, at once. */
void sessions_close(struct edge *edge);

/* --- arrival.c --- */
/* Who brings it: texts that live as long as the session's transaction. */
struct arrival_origin {
    struct session *session;
    struct client *client;
    struct str ip, helo;
    struct str account;    /* who has logged in; empty: nobody, it is mail from outside */
    struct str shown;      /* … as he is shown in the log */
    const char *addresses; /* … and may send from, a blank between two */
    struct str name;       /* its host name that was checked; empty: none */
    const struct who_facts *facts;
    const char *protocol;
    struct str tls;  /* "TLSv1.3 with cipher X", or empty */
    bool early;      /* it spoke before the banner */
    unsigned slowed; /* seconds that the tarpit has taken */
};

/* NULL with err set. */
struct arrival *arrival_begin(struct edge *edge, struct err *err);
int arrival_write(struct arrival *arrival, struct str block, struct err *err);
/* All bytes are there: from here on it ends by itself, and tells session_arrival_fate() once. */
void arrival_judge(struct arrival *arrival, const struct smtp_envelope *envelope,
                   const struct arrival_origin *origin);
/* The session is gone, or wants it no more. One that is being committed is committed. */
void arrival_drop(struct arrival **arrival);
struct str arrival_id(const struct arrival *arrival);
/* JSON: what it was judged from; empty before. */
struct str arrival_evidence(const struct arrival *arrival);

#endif
