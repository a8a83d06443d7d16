/*
 * charset: text in the charsets of mail, to valid UTF-8. UTF-8, UTF-16, UTF-32, ISO 8859-1 and
 * windows-1252 are converted here; a fixed list of others by glibc's iconv, under the names that
 * mail uses (RFC 2978; WHATWG Encoding for which wider charset a label means in practice).
 */
#ifndef POTERNE_MAIL_CHARSET_H
#define POTERNE_MAIL_CHARSET_H

#include "base/buf.h"

/* Undecodable places of one text that are stepped over one by one; the rest is then guessed. */
#define CHARSET_ERRORS_MAX 10000

/*
 * Appends `in` to out as valid UTF-8 without NUL. An unknown or empty charset is guessed: UTF-8
 * when it is valid, else ISO-2022-JP when it has its escapes, else windows-1252. Stops without
 * an error, between two characters, when out is full; out->failed is only set when memory runs
 * out. Safe in several threads.
 */
void charset_to_utf8(struct str charset, struct str in, struct buf *out);

bool charset_known(struct str charset);

/* What a code from 0x80 to 0x9f means in windows-1252; any other is returned as it is. */
uint32_t windows_1252_char(uint32_t code);

#endif
