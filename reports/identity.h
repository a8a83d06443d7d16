/*
 * identity: which message is it that a report brings as an original, and is it that? By its signed
 * X-Poterne-Id (signature.h) and the journal:
 *
 *   genuine   it is the message that we judged: the signature is good, or the journal's fingerprint
 *             of that id is this one's
 *   altered   the id is of a message in the journal with the same Message-ID and Subject, but the
 *             contents are others: changed on the way (a list's footer, another encoding) or by
 *             somebody; not to be learned without a manager's look
 *   forged    an id of our shape that is none of ours, or is another message's
 *   unknown   no id: it came another way, or lost its header
 */
#ifndef POTERNE_REPORTS_IDENTITY_H
#define POTERNE_REPORTS_IDENTITY_H

#include "journal/query.h"
#include "reports/key.h"
#include "reports/restore.h"

enum identity_kind { IDENTITY_UNKNOWN, IDENTITY_GENUINE, IDENTITY_ALTERED, IDENTITY_FORGED };
const char *identity_kind_name(enum identity_kind kind); /* "unknown" … */

struct identity {
    enum identity_kind kind;
    struct str id; /* empty: none */
    /* What we said of it then, by its signature or the journal: never by what anybody can write.
     * MARKED_NOT: not known. */
    enum marked judged;
    bool received;                         /* the reporter was one of its recipients */
    const struct journal_message *message; /* NULL: the journal does not know it (any more) */
    const char *why;                       /* a few words for a person; never NULL */
};

/*
 * tag: conf.spam.subject_tag. journal NULL: there is none; what the signature says holds alone.
 * reporter: a mail address, or empty. -1: the journal can't be read, out of memory: try later.
 * Texts live in pool.
 */
int identity_check(const struct restored *original, struct str tag, const struct keys *keys,
                   struct journal *journal, struct str reporter, struct pool *pool,
                   struct identity *identity, struct err *err);

#endif
