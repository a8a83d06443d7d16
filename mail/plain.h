/*
 * plain: texts that come from mail, as text that can do a terminal, or who reads it, no harm: a
 * byte that is no UTF-8, and a character that steers a terminal or turns the direction of what
 * follows, is written as \xNN.
 */
#ifndef POTERNE_MAIL_PLAIN_H
#define POTERNE_MAIL_PLAIN_H

#include "base/buf.h"

void plain_add(struct buf *out, struct str text);
/* At most `columns` characters, the last of which is … when something was left out. Returns how
 * many were written. */
size_t plain_add_cut(struct buf *out, struct str text, size_t columns);

#endif
