/*
 * compose: a bounce as a message: multipart/report (RFC 6522) of a text for people, the delivery
 * status for programs (RFC 3464) and what comes back of the message. An international one (RFC
 * 6533) has UTF-8 in its addresses and its status, and goes only where SMTPUTF8 is spoken; in
 * others an address that is not ASCII is written in ASCII (6533 3).
 *
 * Pure: it reads no clock and no file. All texts may hold what strangers wrote: no byte of them
 * ends a line, and nothing but printable ASCII (UTF-8 where it is international) gets into a field.
 */
#ifndef POTERNE_BOUNCE_COMPOSE_H
#define POTERNE_BOUNCE_COMPOSE_H

#include "base/buf.h"
#include "base/conf.h"

#define BOUNCE_FAILURES_MAX 500               /* in one bounce */
#define BOUNCE_SIZE_MAX     (8 * 1024 * 1024) /* of one that is made */
#define BOUNCE_SUBJECT_MAX  1000
#define BOUNCE_ANSWER_MAX   500 /* bytes of an answer or a reason */
#define BOUNCE_ADDRESS_MAX  1000

struct bounce_failure {
    struct str address; /* as the sender knows it */
    struct str relay;   /* where it was tried to go; what reason_server() reads */
    struct str detail;  /* why not; what reason_of() reads */
    bool discreet;      /* it went farther than the sender knows: where to is not told */
    int64_t time_us;    /* of the last try */
};

struct bounce {
    struct str id;         /* of the bounce: makes its boundary */
    struct str message_id; /* without <>; the same where it is made again */
    struct str hostname;
    struct str from, to; /* addresses */
    enum conf_language language;
    int64_t now_us;
    bool international;
    struct str subject;  /* of the message, UTF-8; may be empty */
    struct str about;    /* its Message-ID, with <>; may be empty or anything */
    int64_t arrived_us;  /* when it came */
    struct str original; /* what comes back: all of it, or its header */
    bool whole;
    const struct bounce_failure *failures; /* 1 to BOUNCE_FAILURES_MAX */
    size_t n;
};

/* Appends the message, with CR LF. Whether there was room says buf_ok(). */
void bounce_compose(const struct bounce *bounce, struct buf *out);
/* "Not delivered: A letter", for the journal. */
void bounce_subject(const struct bounce *bounce, struct buf *out);

#endif
