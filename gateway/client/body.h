/*
 * body: a message on its way out: read in pieces from its file, the header edits applied, in the
 * form that the other side needs. A message of any size takes one small buffer.
 */
#ifndef POTERNE_GATEWAY_CLIENT_BODY_H
#define POTERNE_GATEWAY_CLIENT_BODY_H

#include "spool/spool.h"

enum body_form {
    BODY_WIRE,  /* CR LF, dots doubled, CR LF "." CR LF behind it (RFC 5321 4.5.2) */
    BODY_FILE,  /* LF alone, as in a Maildir */
    BODY_SIGNED /* CR LF: what the other side has when it has undone BODY_WIRE */
};

#define BODY_STEP (32 * 1024) /* bytes read at a time */

struct body {
    const struct spool_file *file;
    struct str fields; /* header lines of this copy alone; what has not gone out */
    enum body_form form;
    uint64_t at;     /* in the original message */
    size_t edit;     /* the next one */
    size_t inserted; /* bytes of its insert that went out */
    bool line_start; /* the next byte begins a line */
    bool after_cr;   /* a CR was taken and waits for what follows */
    bool ended;
};

/* `recipient` (index in the envelope) is one of those whose copy it is. */
void body_begin(struct body *body, const struct spool_file *file, uint32_t recipient,
                enum body_form form);
/*
 * Appends the next piece: at most BODY_STEP bytes of the original, and what they become. out must
 * have room for BODY_FILL_MAX. 1: there is more, 0: that was all, -1: the file can't be read.
 */
int body_fill(struct body *body, struct buf *out, struct err *err);
#define BODY_FILL_MAX (3 * BODY_STEP)

/* Bytes of the edited message, without doubled dots: for SIZE= (RFC 1870). */
uint64_t body_size(const struct spool_file *file, uint32_t recipient);
/* Whether the header as it was received has bytes beyond ASCII (RFC 6532 3.2). -1: the file can't
 * be read. */
int body_has_utf8_header(const struct spool_file *file, struct err *err);

#endif
