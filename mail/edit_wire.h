/* edit_wire: a list of edits as bytes: between content and edge, and in the spool's envelope. */
#ifndef POTERNE_MAIL_EDIT_WIRE_H
#define POTERNE_MAIL_EDIT_WIRE_H

#include "base/wire.h"
#include "mail/edit.h"

/* u64 top, u32 n, then for each u64 at, u64 remove, str insert */
void edits_put(struct buf *out, const struct edits *edits);
/* Texts point into the message. What is malformed, or more than EDITS_MAX, sets w->bad; false only
 * when the pool is used up. Whether they fit a message is not asked here. */
bool edits_get(struct wire *w, struct pool *pool, struct edits *edits);

#endif
