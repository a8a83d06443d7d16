/*
 * letter: the mail that carries a report (RFC 9990 3.5.2, RFC 8460 5.3): a few words for people,
 * and the report, compressed (RFC 1952), as an attachment.
 */
#ifndef POTERNE_TALLY_LETTER_H
#define POTERNE_TALLY_LETTER_H

#include "base/err.h"
#include "tally/maker.h"

#define TALLY_MAIL_MAX ((size_t)16 * 1024 * 1024) /* bytes of the whole mail */

/* Appends the bytes compressed; the same bytes give the same file. -1: out of memory, no room. */
int letter_gzip(struct str bytes, struct buf *out, struct err *err);

struct letter {
    const struct tally_maker *maker;
    const struct tally_subject *subject;
    const char *id;    /* of the message, for its Message-ID */
    int64_t time_s;    /* of its making, since 1970 */
    struct str to;     /* one address, ASCII */
    struct str report; /* compressed */
};

/* Without folds: "Report Domain: … Submitter: … Report-ID: <…>" */
void letter_subject(const struct letter *letter, struct buf *out);
/* Appends a whole message, with CR LF. */
void letter_put(const struct letter *letter, struct buf *out);

#endif
