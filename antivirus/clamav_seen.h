/*
 * clamav_seen: which of our decoded parts libclamav has already looked at. Its own mail parser
 * takes most messages apart as ours does; a part whose bytes were among the files that it reported
 * need not be scanned a second time, so that only a disagreement of the two parsers costs.
 *
 * The bytes must be the same; but in a text that was not encoded, CR and line ends at the end do
 * not count: libclamav's mail parser rewrites them. Nor do blank lines, of which it makes one of
 * several, where the part has no name: a file that somebody may save is scanned as it is.
 */
#ifndef POTERNE_ANTIVIRUS_CLAMAV_SEEN_H
#define POTERNE_ANTIVIRUS_CLAMAV_SEEN_H

#include "antivirus/engine.h"

enum clamav_seen_kind {
    CLAMAV_SEEN_BYTES,
    CLAMAV_SEEN_TEXT,  /* but for CR and line ends at the end */
    CLAMAV_SEEN_LINES, /* and but for blank lines, and blanks at the end */
};

struct clamav_seen_key {
    size_t size; /* without what does not count */
    uint64_t hash;
    size_t part;
    enum clamav_seen_kind kind;
};

struct clamav_seen {
    const struct av_part *parts;
    struct clamav_seen_key keys[AV_PARTS_MAX]; /* sorted */
    bool seen[AV_PARTS_MAX];
    size_t n;
    unsigned kinds; /* of the keys, a bit each */
};

/* message must live until the last question. */
void clamav_seen_start(struct clamav_seen *seen, const struct av_message *message);
/* libclamav reports a file. */
void clamav_seen_file(struct clamav_seen *seen, struct str bytes);
/* What was reported need not have been scanned: a limit was hit. */
void clamav_seen_forget(struct clamav_seen *seen);
/* Was the i-th part among them? */
static inline bool clamav_seen_part(const struct clamav_seen *seen, size_t i)
{
    return seen->seen[i];
}

#endif
