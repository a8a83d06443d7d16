/*
 * session: one connection, for the files that make it up: session.c moves its bytes, session_ops.c
 * answers the SMTP machine, session_clock.c keeps its time limits. The machine is called from the
 * event loop only, and whoever called it ends with session_settle().
 */
#ifndef POTERNE_GATEWAY_EDGE_SESSION_H
#define POTERNE_GATEWAY_EDGE_SESSION_H

#include "gateway/edge/edge.h"

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
    bool busy;    /* the machine is at work: session_settle() waits for its end */
    bool reading; /* the event is on */
    bool closing; /* nothing more is read but to be thrown away */
    bool unread;  /* TLS: the last turn ended before all was read */
    bool early;
    bool counted; /* among its client's sessions */
    unsigned lookups;
    size_t thrown_away;
    time_t opened, heard;
    char ip[CLIENT_IP_SIZE];
    char name[SPOOL_ID_LEN + 1]; /* for the journal; made at the first refusal */
};

/*
 * Sends, then does what the machine wants. Everything that calls into the machine ends here; a call
 * from within it (an answer that came at once) leaves it to the outer one. May free the session.
 */
void session_settle(struct session *session);

enum flushed { FLUSH_DONE, FLUSH_WAITS, FLUSH_FAILED };

/* Sends what there is. Sending may let the machine go on and say more. */
enum flushed session_flush(struct session *session);
/* At once, whatever is under way. */
void session_close(struct session *session);

#endif
