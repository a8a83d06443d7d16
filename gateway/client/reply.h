/*
 * reply: what a next hop answers (RFC 5321 4.2), taken from a stream of bytes. The other side may
 * be broken or hostile: every line, and the whole, is bounded, and what is no reply is said so.
 */
#ifndef POTERNE_GATEWAY_CLIENT_REPLY_H
#define POTERNE_GATEWAY_CLIENT_REPLY_H

#include "base/buf.h"

#define REPLY_LINE_MAX  2000        /* bytes; RFC 5321 4.5.3.1.5 allows 512 */
#define REPLY_LINES_MAX 200         /* in one reply */
#define REPLY_TEXT_MAX  (16 * 1024) /* bytes of all its lines */

enum reply_progress { REPLY_MORE, REPLY_DONE, REPLY_BAD };

struct reply {
    unsigned code;      /* 200 to 599 */
    struct buf lines;   /* the texts behind the codes, each with LF behind it */
    unsigned n_lines;   /* so far */
    struct buf line;    /* the one that comes in */
    bool whole;         /* the last line was taken */
    const char *reason; /* of REPLY_BAD */
};

void reply_init(struct reply *reply);
void reply_release(struct reply *reply);

/*
 * Takes bytes off *in. REPLY_DONE: reply holds one whole reply, the rest of *in belongs to the
 * next; the next call starts a new one. REPLY_MORE: *in is used up. REPLY_BAD: this is no SMTP.
 */
enum reply_progress reply_feed(struct reply *reply, struct str *in);

/* "550 5.1.1 no such user" on one line, printable ASCII only, at most `max` bytes. */
void reply_text(const struct reply *reply, struct buf *out, size_t max);

static inline unsigned reply_class(const struct reply *reply)
{
    return reply->code / 100;
}

#endif
