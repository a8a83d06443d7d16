/*
 * restore: an original as it was when we scanned it: what we wrote into its header, and what the
 * servers and mail programs behind us added on top, is taken out; the subject's tag too. What our
 * field said is kept apart. The result has the fingerprint, and the same features_digest(), as the
 * message had then.
 *
 * Our lines stand on top of the sender's header, X-Poterne-Id last (gateway/verdict.h), and whoever
 * comes after us adds above: so all that stands above X-Poterne-Id goes. Where a server has put the
 * header into another order (a sender's From, Date, Subject or Message-ID stands above), only what
 * is known to be no sender's goes: trace fields, X-Spam-*, X-Poterne-*.
 * A From, To, Date or Message-ID that the message was without goes too.
 * Without X-Poterne-Id the mail did not come through us, or somebody took it out: then only
 * X-Poterne-*, the X-Spam-* that we write and the tag go.
 */
#ifndef POTERNE_REPORTS_RESTORE_H
#define POTERNE_REPORTS_RESTORE_H

#include "reports/fingerprint.h"

enum marked { MARKED_NOT, MARKED_HAM, MARKED_SPAM };

struct restored {
    struct message *message; /* parsed from its own bytes: message->raw, in the pool */
    struct fingerprint fingerprint;
    struct str id;        /* of X-Poterne-Id; empty: there is none of its shape */
    struct str signature; /* behind it; may be empty */
    bool several;         /* more than one id: the first is taken */
    enum marked marked;   /* what X-Spam-Flag and X-Spam-Status say, which anybody can write */
    bool tagged;          /* the Subject had the tag */
};

/* tag: conf.spam.subject_tag; original may be given back afterwards. -1: out of memory. */
int restore_original(struct pool *pool, struct str original, struct str tag,
                     struct restored *restored, struct err *err);

#endif
