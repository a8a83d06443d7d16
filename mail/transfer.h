/*
 * transfer: content transfer encodings undone (RFC 2045 6.7, 6.8, uuencode). What is broken is
 * decoded as mail readers do: strange bytes are skipped (base64) or kept (quoted-printable).
 * Each appends to out and stops without an error when out is full; out->failed is only set when
 * memory runs out.
 */
#ifndef POTERNE_MAIL_TRANSFER_H
#define POTERNE_MAIL_TRANSFER_H

#include "base/ascii.h"
#include "base/buf.h"
#include "base/hex.h"

void transfer_base64(struct str in, struct buf *out);
void transfer_qp(struct str in, struct buf *out);
/* The Q encoding of RFC 2047 4.2: '_' is a space, line ends mean nothing. */
void transfer_q(struct str in, struct buf *out);
/* %XX of RFC 2231 and of URIs */
void transfer_percent(struct str in, struct buf *out);
/* The file between "begin" and "end", or from the start where there is no "begin". */
void transfer_uu(struct str in, struct buf *out);
void transfer_none(struct str in, struct buf *out);

/* UTF-8 text of ours with LF line ends as quoted-printable, with CR LF and lines of at most 76
 * bytes. */
void transfer_qp_put(struct str text, struct buf *out);

/* Bytes as base64, in lines of 76 with CR LF. */
void transfer_base64_put(struct str bytes, struct buf *out);

/* One of the 64 characters of base64 (RFC 4648 4). */
static inline bool transfer_is_base64(char c)
{
    return ascii_is_alnum(c) || c == '+' || c == '/';
}

#endif
