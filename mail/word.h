/* word: encoded words in header text (RFC 2047), and raw 8-bit text there. */
#ifndef POTERNE_MAIL_WORD_H
#define POTERNE_MAIL_WORD_H

#include "base/buf.h"

/* Appends unfolded text with its encoded words decoded, as valid UTF-8. */
void words_decode(struct str text, struct buf *out);

/* The same without a look at charsets: each word as the bytes that it stands for. For who looks for
 * ASCII, and can't have iconv work on what strangers send. */
void words_bytes(struct str text, struct buf *out);

/* Appends UTF-8 text for a field's value: as it is when it is ASCII, else as encoded words (UTF-8,
 * Q) with folds of CR LF and a blank between them. Control characters become blanks. */
void words_encode(struct str text, struct buf *out);

#endif
