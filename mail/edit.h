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
    struct str insert; /* bytes put in their place; whole lines with CR LF, but for the tag */
};

struct edits {
    struct edit *list;
    size_t n;
    uint64_t top; /* where the header starts: behind an mbox "From " line, if there is one */
};

/* A header that needs more has its rest replaced by one edit. */
#define EDITS_MAX 4096

/* Lines of a header are kept below this (RFC 5322 2.1.1: 998). */
#define EDIT_LINE_MAX 990

/*
 * The edits that every inbound message gets: each header field that only we may write
 * (X-Spam-Flag/Score/Level/Status/Checker-Version, X-Poterne-*) is removed, however far down the
 * header it stands. When `tag` is not empty, it is put in front of every Subject, which is else
 * left as it is (encoded words, folding); not where the decoded Subject starts with it already;
 * a missing Subject is added at the end of the header. A body that follows the header without an
 * empty line gets one, so that all who come after see the header end where we saw it.
 * -1: the pool is used up.
 */
int edits_make(struct pool *pool, const struct message *message, struct str tag,
               struct edits *edits, struct err *err);
/* Is it the name of a field that only we may write? */
bool edits_own_field(struct str name);
/* The tag as it is shown in front of a Subject, with one blank behind it: without control
 * characters and blanks at its ends, bounded. .s NULL: the pool is used up. */
struct str edits_tag(struct pool *pool, struct str tag);
/* Adds text (whole header lines) at the top of the header, before all else. */
int edits_insert_top(struct pool *pool, struct edits *edits, struct str lines, struct err *err);
/* The edited message, for callers with the whole of it in memory. */
void edits_apply(const struct edits *edits, struct str raw, struct buf *out);

#endif
