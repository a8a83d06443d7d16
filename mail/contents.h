/*
 * contents: what makes a message this one, as bytes for a hash, whatever was done to it on the way:
 * fields folded or encoded anew, line ends changed, blanks at line ends and empty lines at the end
 * lost, transfer encodings changed, "From " lines escaped. Never change these bytes: what was
 * signed or learned before would be another message.
 */
#ifndef POTERNE_MAIL_CONTENTS_H
#define POTERNE_MAIL_CONTENTS_H

#include "base/sha256.h"
#include "mail/message.h"

/* A text closed by a NUL; no NUL within it counts. */
void contents_add_text(struct sha256 *h, struct str text);
/* Its words with one blank between them, closed. */
void contents_add_words(struct sha256 *h, struct str text);
/*
 * Type, file name, charset and decoded bytes of each part, closed by its depth and its length, so
 * that no contents can pass for the beginning of another part. -1: out of memory.
 */
int contents_add_parts(struct sha256 *h, const struct message *message, struct err *err);

#endif
