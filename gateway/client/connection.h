/*
 * connection: a client (client.h) on a socket in an event loop. Every step has a time limit, what
 * the other side may send is bounded by the client, and a connection that breaks is one event.
 */
#ifndef POTERNE_GATEWAY_CLIENT_CONNECTION_H
#define POTERNE_GATEWAY_CLIENT_CONNECTION_H

#include "base/conf.h"
#include "gateway/client/client.h"
#include "gateway/client/proof.h"
#include "gateway/tls.h"

struct event_base;

/* Seconds. */
struct connection_limits {
    unsigned connect; /* until the socket is connected */
    unsigned reply;   /* for each reply, and for each piece of the message to leave */
    unsigned final;   /* for the reply to a whole message: losing that one delivers twice */
    unsigned message; /* for one transaction as a whole */
    unsigned idle;    /* kept open without work */
};

/* How it goes there. */
struct connection_way {
    const char *hostname; /* said in our hello; outlives the connection */
    bool ours;            /* it serves our own domains */
    bool requiretls;      /* nothing but what is to go over proved TLS (RFC 8689) */
    enum client_tls tls;
    struct proof_wanted proof;     /* once TLS stands */
    SSL_CTX *context;              /* gateway/tls.h; NULL: CLIENT_TLS_NONE */
    const char *source4, *source6; /* addresses of ours that it comes from; NULL: any */
    const struct login *login;     /* outlives the connection; NULL: nobody logs in */
};

struct tls_failure {
    enum proof_fault fault; /* FAULT_NONE: TLS stood, and REQUIRETLS asks for more */
    const char *why;
    const char *local; /* address of ours; empty: it is not known */
    bool lasting;      /* it is what the server has, not what went wrong this time */
};

struct connection_hooks {
    /* It can take a message: connection_send(), or leave it idle. */
    void (*ready)(void *data);
    void (*result)(void *data, size_t recipient, enum client_outcome outcome, struct str text);
    /* Every recipient of the transaction has its result; `ready` or `closed` follows. */
    void (*done)(void *data);
    /* The transaction did not get through, though nothing is wrong with it: the other side had
     * closed an idle connection. No results; `closed` follows. */
    void (*returned)(void *data);
    /* TLS could not be agreed on, was not offered though it must be, or did not prove what is
     * required, or what REQUIRETLS asks for is not there; `closed` follows. May be NULL. */
    void (*tls_failed)(void *data, const struct tls_failure *failure);
    /* It is gone, the last call. `greeted` says whether it ever was ready. */
    void (*closed)(void *data, bool greeted, const char *why);
    void *data;
};

struct connection;
/* Starts to connect to an SMTP or LMTP hop, which must outlive it. NULL with err set. */
struct connection *connection_open(struct event_base *base, const struct conf_hop *hop,
                                   const struct connection_way *way,
                                   const struct connection_limits *limits,
                                   const struct connection_hooks *hooks, struct err *err);
/* Only when ready or idle. What the transaction points to must live until done or returned. May
 * call hooks, `closed` included. */
void connection_send(struct connection *connection, const struct client_transaction *transaction);
/* The other side said that it takes nothing in clear. */
bool connection_wants_tls(const struct connection *connection);
/* The last transaction's MAIL was accepted. */
bool connection_took_sender(const struct connection *connection);
/* The last transaction broke off: the other side has not answered for each of its recipients. May
 * be asked within done. */
bool connection_broke_off(const struct connection *connection);
/* … because its time was over: the other side said nothing, or too slowly. May be asked within
 * done. */
bool connection_was_silent(const struct connection *connection);
/* The other side offers DSN. */
bool connection_offers_dsn(const struct connection *connection);
/* "TLSv1.3"; NULL: in clear */
const char *connection_security(const struct connection *connection);
/* The address of ours that it comes from; empty: it is not known. */
const char *connection_local(const struct connection *connection);
/* What TLS proved; of one in clear: nothing. */
const struct proof *connection_proof(const struct connection *connection);
bool connection_is_idle(const struct connection *connection);
/* It is given up as soon as whoever holds it comes back from its hook: QUIT, then `closed`. Only
 * when ready or idle. */
void connection_retire(struct connection *connection, const char *why);
/* Says QUIT when idle, then closes; results of a transaction are "deferred". Calls no `closed`. */
void connection_close(struct connection **connection, const char *why);

#endif
