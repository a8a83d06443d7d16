/*
 * loose: finds what a mail program might take for a part, whatever the header says about
 * boundaries: a line that begins with "--", and at once after it a header with a Content- field.
 * Where a boundary is hidden, given twice or quoted in a way that programs read differently,
 * these are the parts that some of them show.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_LOOSE_H
#define POTERNE_GATEWAY_ANTIVIRUS_LOOSE_H

#include "mail/message.h"

struct av_loose {
    struct str raw;
    size_t at;
};

struct av_loose_part {
    struct str body;
    unsigned encodings; /* 1 << enum encoding: all that its header names */
};

static inline struct av_loose av_loose_of(struct str raw)
{
    return (struct av_loose){raw, 0};
}

/* False when there is no more. All calls for one message together read it once. */
bool av_loose_next(struct av_loose *walk, struct av_loose_part *part);

#endif
