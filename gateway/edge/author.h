/*
 * author: may who has logged in write in the name that stands in From (sender/author.h)? Looked at
 * in the file, before the message is scanned. What is allowed is submission.from's to say; with the
 * null sender, which every account may use for receipts (RFC 8098 2.2), From is always his own.
 */
#ifndef POTERNE_GATEWAY_EDGE_AUTHOR_H
#define POTERNE_GATEWAY_EDGE_AUTHOR_H

#include "base/conf.h"
#include "base/err.h"
#include "gateway/smtp/reply.h"

#define AUTHOR_HEADER_MAX (1024 * 1024) /* bytes; of a longer one no reader shows what follows */

/* May that account use the address, as envelope sender or as author? addresses: a blank between
 * two. Those outside our domains are its own only with submission.foreign_senders. */
bool author_owns(const struct conf *conf, const char *addresses, struct str address);

struct author_question {
    const struct conf *conf;
    const char *addresses;
    struct str sender;
    int fd; /* of the spool's file … */
    uint64_t size;
};

/* SMTP_NONE, or why not; shown: the address that is not allowed. A file that can't be read is
 * SMTP_LOCAL_ERROR with err. */
enum smtp_status author_ask(const struct author_question *question, struct buf *shown,
                            struct err *err);

#endif
