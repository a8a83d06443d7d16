/*
 * transfer: content transfer encodings undone (RFC 2045 6.7, 6.8, uuencode). What is broken is
 * decoded as mail readers do: strange bytes are skipped (base64) or kept (quoted-printable).
 * Each appends to out and stops without an error when out is full; out->failed is only set when
 * memory runs out.
 */
#ifndef POTERNE_MAIL_TRANSFER_H
#define POTERNE_MAIL_TRANSFER_H

#include "base/buf.h"

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

/* 0..15, or -1 */
static inline int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 32);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* The byte that two hexadecimal digits at `at` stand for, or -1. */
static inline int hex_byte(struct str x, size_t at)
{
    if (at + 2 > x.n)
        return -1;
    int high = hex_digit(x.s[at]), low = hex_digit(x.s[at + 1]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

#endif
