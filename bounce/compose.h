/*
 * compose: a notice as a message: of what can't be delivered (a bounce), waits, or got there:
 * multipart/report (RFC 6522) of a text for people, the delivery status for programs (RFC 3464) and
 * what comes back of the message. An international one (RFC 6533) has UTF-8 in its addresses and
 * its status, and goes only where SMTPUTF8 is spoken; in others an address that is not ASCII is
 * written in ASCII (6533 3). One that is redacted (RFC 8689 5) tells that a bounce could not go,
 * and nothing of what that was about: no message comes back, and no name of it.
 *
 * Pure: it reads no clock and no file. All texts may hold what strangers wrote: no byte of them
 * ends a line, and nothing but printable ASCII (UTF-8 where it is international) gets into a field.
 */
#ifndef POTERNE_BOUNCE_COMPOSE_H
#define POTERNE_BOUNCE_COMPOSE_H

#include "base/buf.h"
#include "bounce/decide.h"

#define BOUNCE_FAILURES_MAX 500               /* in one bounce */
#define BOUNCE_SIZE_MAX     (8 * 1024 * 1024) /* of one that is made */
#define BOUNCE_SUBJECT_MAX  1000
#define BOUNCE_ANSWER_MAX   500 /* bytes of an answer or a reason */
#define BOUNCE_ADDRESS_MAX  1000

/* RFC 3464 2.3.3; those from DELIVERED on are of BOUNCE_SUCCESS */
enum bounce_action {
    ACTION_FAILED,
    ACTION_DELAYED,
    ACTION_DELIVERED,
    ACTION_RELAYED, /* to a server that sends no notices */
    ACTION_EXPANDED /* the recipient has it sent on to others */
};
#define BOUNCE_ACTIONS 5

struct bounce_failure {
    struct str address; /* as the sender knows it */
    struct str orcpt;   /* ORCPT as it was said, or empty */
    struct str relay;   /* where it was tried to go; what reason_server() reads */
    struct str detail;  /* what was said there; what reason_of() reads */
    enum bounce_action action;
    bool discreet;   /* it went farther than the sender knows: where to is not told */
    int64_t time_us; /* of the last try */
};

struct bounce {
    enum bounce_event event;
    struct str id;         /* of the bounce: makes its boundary */
    struct str message_id; /* without <>; the same where it is made again */
    struct str hostname;
    struct str from, to; /* addresses */
    enum conf_language language;
    int64_t now_us;
    bool international;
    struct str subject;  /* of the message, UTF-8; may be empty */
    struct str about;    /* its Message-ID, with <>; may be empty or anything */
    struct str envid;    /* ENVID as it was said, or empty */
    int64_t arrived_us;  /* when it came */
    int64_t until_us;    /* BOUNCE_DELAY: so long it is tried */
    bool tls_waived;     /* the message said TLS-Required: No, and so does this */
    struct str original; /* what comes back: all of it, or its header */
    bool whole;
    struct str
        redacted; /* the id of the bounce that could not go: this one is redacted; or empty */
    const struct bounce_failure *failures; /* of that event, 1 to BOUNCE_FAILURES_MAX */
    size_t n;
};

/* Appends the message, with CR LF. Whether there was room says buf_ok(). */
void bounce_compose(const struct bounce *bounce, struct buf *out);
/* "Not delivered: A letter", for the journal. */
void bounce_subject(const struct bounce *bounce, struct buf *out);

#endif
