/*
 * decide: who is told what became of a message. A pure function of the envelope, the settings, and
 * whether our own people brought it (gateway/gate/ours.h).
 *
 *   who sent it                           what can't be delivered      who is told
 *   ------------------------------------  ---------------------------  ---------------------------
 *   a bounce of ours (null sender) about  it can't go so that RFC      whom it tells, but not
 *   what had to go over TLS               8689 is kept                 of what (compose.h)
 *   the null sender else (our own, too)   whatever                     nobody
 *   ours, brought by our own people, who  whatever                     the sender
 *   logged in or come from gate.inside
 *   anybody else                          a mailbox's copy             nobody: SMTP was the place
 *   … redirected under an address of      a redirected copy            that address
 *   ours (redirect_sender)
 *   … whose server may send for him       a redirected copy of what    the sender, but not where
 *   (SPF)                                 is no spam                   it went to
 *   … whom nothing proves                 a redirected copy            nobody
 *   any of them                           released mail; a report      nobody
 *
 *   who sent it                           what waits, or got there     who is told
 *   ------------------------------------  ---------------------------  ---------------------------
 *   ours, brought by our own people       it waits                     the sender
 *   anybody else                          it waits                     nobody
 *   ours, brought by our own people       it got there                 the sender, if he asked
 *   … whose server may send for him       it got there, and is no      the sender, if he asked
 *                                         spam
 *   anybody else                          it got there                 nobody
 *
 * NOTIFY (RFC 3461 4.1) takes away from what the tables say and adds nothing: who asked not to hear
 * of a failure gets BOUNCE_UNWANTED, and the recipient ends as RCPT_FAILED without a notice.
 *
 * Who is told ends as RCPT_FAILED. Where nobody is, the message is held as undeliverable, and the
 * managers see it in quarantine. So nobody gets a bounce of what he did not send (no backscatter),
 * and a bounce that can't be delivered makes no other. Of what is in quarantine nobody hears.
 */
#ifndef POTERNE_BOUNCE_DECIDE_H
#define POTERNE_BOUNCE_DECIDE_H

#include "base/conf.h"
#include "spool/spool.h"

enum bounce_event {
    BOUNCE_FAILURE, /* it can't be delivered */
    BOUNCE_SUCCESS, /* it got there, or to a server that tells nobody */
    BOUNCE_DELAY    /* it waits; it is tried on */
};
#define BOUNCE_EVENTS 3

#define BOUNCE_HOW "bounce of " /* how who is told of a failure gets into an envelope */

enum bounce_answer {
    BOUNCE_NOBODY,   /* there is nobody who may be told */
    BOUNCE_UNWANTED, /* there is, but he asked not to be */
    BOUNCE_TELL
};

struct bounce_to {
    struct str address;
    struct str person; /* whom the sender wrote to: named in the recipient's place; may be empty */
    bool redacted;     /* a bounce failed: nothing may be said of what it tells */
};

/* `to` is told where it is BOUNCE_TELL; its texts are the envelope's. `why`: the reason of a
 * failure, as reason_of() reads it. */
enum bounce_answer bounce_decide(const struct conf *conf, bool brought_by_ours,
                                 enum bounce_event event, const struct envelope *envelope,
                                 const struct spool_recipient *recipient, struct str why,
                                 struct bounce_to *to);

#endif
