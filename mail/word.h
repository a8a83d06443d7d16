/* word: encoded words in header text (RFC 2047), and raw 8-bit text there. */
#ifndef POTERNE_MAIL_WORD_H
#define POTERNE_MAIL_WORD_H

#include "base/buf.h"

/* Appends unfolded text with its encoded words decoded, as valid UTF-8. */
void words_decode(struct str text, struct buf *out);

#endif
