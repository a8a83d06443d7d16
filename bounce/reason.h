/*
 * reason: what a failed delivery's text (spool_recipient.detail) says in the terms of RFC 3463 and
 * RFC 3464: the answer of a server, or our own words.
 */
#ifndef POTERNE_BOUNCE_REASON_H
#define POTERNE_BOUNCE_REASON_H

#include "base/str.h"

#define REASON_STATUS_SIZE 16 /* "5.123.123" */
/* How the text of what was tried for too long begins, and what stands before the last answer. */
#define REASON_EXPIRED "not delivered within "
#define REASON_AT_LAST "; at last: "

enum reason_kind {
    REASON_OTHER,
    REASON_NO_MAILBOX,
    REASON_NO_DOMAIN, /* none such, or it takes no mail */
    REASON_FULL,
    REASON_TOO_LARGE,
    REASON_POLICY,
    REASON_NOT_SECURE, /* REQUIRETLS (RFC 8689) can't be kept */
    REASON_UNPROVED,   /* tried for too long: no connection was as safe as it must be */
    REASON_TOO_LATE
};
#define REASON_KINDS 9

struct reason {
    enum reason_kind kind;
    char status[REASON_STATUS_SIZE]; /* always one: "5.0.0" where nothing better is known */
    struct str answer;               /* the last one */
    bool of_server;                  /* it is a server's: it begins with a code */
    bool expired;                    /* it was tried for too long; that is the last answer */
};

struct reason reason_of(struct str detail);

/* The server's name out of a relay's text ("mx.a.example [192.0.2.1]:25, TLSv1.3",
 * "lmtp://192.0.2.1:24") as RFC 3464 2.3.5 wants it: a name, or an address in brackets. Empty:
 * there is none in it. */
struct str reason_server(struct str relay, char *room, size_t size);

#endif
