/*
 * decide: who is told that a message could not be delivered. A pure function of the envelope and
 * the settings.
 *
 *   who sent it                           what can't be delivered      who is told
 *   ------------------------------------  ---------------------------  ---------------------------
 *   the null sender (a bounce, our own)   whatever                     nobody
 *   ours, from inside (authenticated, or  whatever                     the sender
 *   a network of gate.inside)
 *   anybody else                          a mailbox's copy             nobody: SMTP was the place
 *   … redirected under an address of      a redirected copy            that address
 *   ours (redirect_sender)
 *   … whose server may send for him       a redirected copy of what    the sender, but not where
 *   (SPF)                                 is no spam                   it went to
 *   … whom nothing proves                 a redirected copy            nobody
 *   any of them                           released mail; a report      nobody
 *
 * Who is told ends as RCPT_FAILED. Where nobody is, the message is held as undeliverable, and the
 * managers see it in quarantine. So nobody gets a bounce of what he did not send (no backscatter),
 * and a bounce that can't be delivered makes no other.
 */
#ifndef POTERNE_BOUNCE_DECIDE_H
#define POTERNE_BOUNCE_DECIDE_H

#include "base/conf.h"
#include "spool/spool.h"

struct bounce_to {
    struct str address;
    struct str person; /* whom the sender wrote to: named in the recipient's place; may be empty */
};

/* False: nobody. The texts are the envelope's. */
bool bounce_decide(const struct conf *conf, const struct envelope *envelope,
                   const struct spool_recipient *recipient, struct bounce_to *to);

#endif
