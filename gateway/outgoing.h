/*
 * outgoing: mail of our own, put into the queue so that delivery sends it as it does any message.
 * Null sender and Auto-Submitted (RFC 3834): nobody's program answers it. To an address that is not
 * ASCII where its next hop has SMTPUTF8 (RFC 6531).
 */
#ifndef POTERNE_GATEWAY_OUTGOING_H
#define POTERNE_GATEWAY_OUTGOING_H

#include "base/conf.h"
#include "spool/spool.h"

struct outgoing {
    char id[SPOOL_ID_LEN + 1]; /* of the message: from spool_id_make() */
    const struct str *recipients;
    size_t n_recipients;
    struct str how;        /* why they get it, for the journal */
    struct str subject;    /* for the journal */
    struct str message_id; /* likewise, with <> */
    struct str mail;       /* the whole message, with CR LF */
    bool utf8;             /* it has UTF-8 in its header */
    bool eightbit;
    bool requiretls; /* RFC 8689: it goes as what it is about was to go */
    bool tls_waived; /* likewise; the mail says so itself */
    bool expendable; /* what nobody takes fails, and is not held */
};

struct post {
    const struct conf *conf;
    struct spool *spool;
    int incoming_fd; /* the folder that is locked */
};

/* Before the sandbox: opens the spool. */
int post_open(struct post *post, const struct conf *conf, struct err *err);
/* In a sandbox that leaves incoming/ and queue/. */
int post_open_inside(struct post *post, const struct conf *conf, struct err *err);
void post_close(struct post *post);

/* Durable when it returns 0. May be called by several threads at once. */
int post_commit(const struct post *post, const struct outgoing *mail, struct err *err);
/* The same in two steps (spool_stage()): whole in incoming/, then owed. What was staged is
 * published or dropped by the same, which frees it; NULL: not staged, err says why. */
struct post_staged;
struct post_staged *post_stage(const struct post *post, const struct outgoing *mail,
                               struct err *err);
/* 0, also where another has published it after a crash; -1. */
int post_publish(struct post_staged **staged, struct err *err);
void post_drop(struct post_staged **staged);
/* As post_commit(), and delivery is told. */
int post_send(const struct post *post, const struct outgoing *mail, struct err *err);

struct letter_words {
    struct str from;        /* a report address */
    struct str to;          /* one address, or several with ", " between them */
    struct str in_reply_to; /* Message-ID, or empty */
    struct str subject;     /* UTF-8 */
    struct str text;        /* UTF-8, LF */
};

/* Our people's address that mail of our own is from: the first manager, or postmaster. */
void post_postmaster(const struct conf *conf, char *address, size_t size);
/* Appends a whole message in plain text. */
void post_compose(const struct post *post, const char *id, const struct letter_words *words,
                  struct buf *out);

/* Those managers that delivery has a way to, at most max: how many; and in `to` as a header names
 * them. */
size_t post_managers(const struct post *post, struct str *list, size_t max, struct buf *to);

/* Is it in one of our domains? */
bool post_reaches(const struct post *post, struct str address);

#endif
