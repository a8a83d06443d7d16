/*
 * answer: the one polite answer to a report that can't be learned, which explains how to forward as
 * an attachment. Whether it may be sent (RFC 3834, RFC 5230 4.6), and what it says. Making it needs
 * no file and no clock; sending it is the caller's.
 */
#ifndef POTERNE_REPORTS_ANSWER_H
#define POTERNE_REPORTS_ANSWER_H

#include "base/conf.h"
#include "reports/answer_times.h"
#include "reports/inline.h"
#include "reports/originals.h"

enum answer_decision {
    ANSWER_SEND,
    ANSWER_NO_SENDER, /* the null sender, or no address */
    ANSWER_AUTOMATIC, /* a program wrote it: Auto-Submitted, Precedence, X-Autoreply … */
    ANSWER_LIST,      /* it came over a mailing list */
    ANSWER_BOUNCE,    /* multipart/report, MAILER-DAEMON and the like */
    ANSWER_FOREIGN,   /* not an address of our domains */
    ANSWER_OURSELVES, /* one of the report addresses, or our own answer came back */
    ANSWER_TOO_SOON   /* within the hour, or no room to remember it */
};
#define ANSWER_DECISIONS 8
const char *answer_decision_name(enum answer_decision decision); /* for the log */

struct answer_case {
    const struct message *report;
    struct str sender;       /* of the envelope: where the answer would go */
    const struct conf *conf; /* our domains, and the addresses that take reports */
};

/* May an answer go to the sender now? On ANSWER_SEND the caller notes it (answer_times_note), makes
 * that durable, and then sends: a crash loses an answer rather than sending two. The answer to a
 * sender that is not ASCII has such a header: it needs SMTPUTF8 (RFC 6531) on its way. */
enum answer_decision answer_decide(const struct answer_case *c, const struct answer_times *times,
                                   int64_t now);

#define ANSWER_OWN_TEXT_MAX (16 * 1024)
#define ANSWER_MAIL_MAX     (64 * 1024)

struct answer {
    const struct message *report;
    struct str to;   /* the report's envelope sender */
    struct str from; /* the address that was written to */
    struct str hostname;
    struct str id; /* of the new message: letters and digits */
    int64_t time;  /* seconds since 1970 */
    struct letter letter;
    const struct originals *originals; /* what was left out is named; may be NULL */
    /* Messages were attached, but nothing of ours on one says what we thought of it, so that its
     * opposite can't be learned: these addresses could (either may be NULL). */
    bool unclear;
    const char *spam_address, *ham_address;
    struct str own_text; /* UTF-8, in place of ours; empty: ours */
};

/* Appends the mail (CR LF, ASCII but for such a sender), to be sent with the
 * null sender. -1: no room in out, out of memory. */
int answer_make(struct pool *pool, const struct answer *answer, struct buf *out, struct err *err);

#endif
