/*
 * edit: changes to a message's header that are applied on the way out; the bytes on disk stay as
 * they were received. A list of edits is sorted by `at` and does not overlap.
 */
#ifndef POTERNE_MAIL_EDIT_H
#define POTERNE_MAIL_EDIT_H

#include "mail/message.h"

struct edit {
    uint64_t at;       /* offset in the original */
    uint64_t remove;   /* bytes left out from there */
    struct str insert; /* bytes put in their place; whole lines with CR LF */
};

struct edits {
    struct edit *list;
    size_t n;
};

#define EDITS_MAX 4096

/*
 * The edits that every inbound message gets: each header field that only we may write
 * (X-Spam-Flag/Score/Level/Status/Checker-Version, X-Poterne-*) is removed. When `tag` is not
 * empty, the Subject is replaced by one that starts with the tag (RFC 2047 and folding kept; not
 * tagged twice; a missing Subject is added at the end of the header).
 */
int edits_make(struct pool *pool, const struct message *message, struct str tag,
               struct edits *edits, struct err *err);
/* Adds text (whole header lines) at the very top, before all else. */
int edits_insert_top(struct pool *pool, struct edits *edits, struct str lines, struct err *err);
/* The edited message, for callers with the whole of it in memory. */
void edits_apply(const struct edits *edits, struct str raw, struct buf *out);

#endif
