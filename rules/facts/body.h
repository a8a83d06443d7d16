/*
 * body: the texts that `body`, `rawbody` and `full` rules look at, as SpamAssassin cuts them
 * (Message.pm of 4.0.1). UTF-8 as far as the message's charsets could be read.
 * Pieces stand in one buffer, in order, a line end behind each (which belongs to it unless the
 * piece was cut there).
 */
#ifndef POTERNE_RULES_BODY_H
#define POTERNE_RULES_BODY_H

#include "rules/facts/facts.h"

#define BODY_LINE_MAX 2048 /* bytes of a paragraph, and of half a rawbody chunk */
/* Where body_part_scan_size (characters of a part that are looked at, and up to 1 KiB more) and
 * rawbody_part_scan_size (bytes) are not set, and the most that they can say. */
#define BODY_PART_SCAN     50000
#define RAWBODY_PART_SCAN  500000
#define BODY_PART_SCAN_MAX (4 * 1024 * 1024)

struct fact_texts {
    struct str *list;
    size_t n;
};

enum body_text {
    BODY_RENDERED,  /* the subject, then all that the text and HTML parts show or hide */
    BODY_VISIBLE,   /* without what is hidden */
    BODY_INVISIBLE, /* what is hidden, without the subject */
    BODY_TEXTS,
};

const struct fact_texts *facts_body(struct facts *facts, enum body_text which);
const struct fact_texts *facts_rawbody(struct facts *facts);
/* The message as it came, without a mailbox's "From " line; .s NULL: no memory. */
struct str facts_full(struct facts *facts);

#endif
