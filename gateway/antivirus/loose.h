/*
 * loose: finds what a mail program might take for a part, whatever the header says about
 * boundaries: what stands at the beginning, behind a line that begins with "--", or behind an empty
 * line that a Content- field follows. Where a boundary is hidden, given twice or quoted in a way
 * that programs read differently, these are the parts that some of them show.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_LOOSE_H
#define POTERNE_GATEWAY_ANTIVIRUS_LOOSE_H

#include "base/buf.h"
#include "mail/message.h"

struct av_loose {
    struct str text;
    size_t at;
    size_t again; /* 1 + where the part before begins, if its header may end later; else 0 */
    bool begun;
};

struct av_loose_part {
    struct str head;
    struct str body;
};

static inline struct av_loose av_loose_of(struct str text)
{
    return (struct av_loose){.text = text};
}

/* False when there is no more. A header that ends with a line of blanks to some comes twice, to its
 * end by either reading. All calls for one text together read it at most twice. */
bool av_loose_next(struct av_loose *walk, struct av_loose_part *part);
/* Appends the fields of a header that may speak of its content, folds and all: Content- fields, and
 * what may be one to somebody: a line that is no field, or that hides one behind a CR. */
void av_loose_fields(struct str head, struct buf *out);
/* 1 << enum encoding: all that a header may name, comments, folds and odd bytes aside; ENC_UNKNOWN
 * for one that it names and that we don't know. */
unsigned av_loose_encodings(struct str head);

#endif
