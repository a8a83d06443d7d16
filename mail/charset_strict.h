/*
 * charset_strict: text to UTF-8 where every byte must be right for its charset. charset.h makes the
 * best of whatever comes; here a text that breaks the rules of its charset is refused, so that the
 * caller can try another.
 */
#ifndef POTERNE_MAIL_CHARSET_STRICT_H
#define POTERNE_MAIL_CHARSET_STRICT_H

#include "base/buf.h"
#include "base/err.h"

/* Appends to out and gives true; false (and out as it was) when the charset is not known, some
 * byte is wrong, or out is full. NUL stays. Safe in several threads. */
bool charset_strict(struct str charset, struct str in, struct buf *out);

/* As mail_preload(), which calls it. */
int charset_strict_preload(struct err *err);

#endif
