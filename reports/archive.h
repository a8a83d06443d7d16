/*
 * archive: the files in a zip file that stands in memory (libzip): nothing is written anywhere. A
 * file's claims about its size are not believed: what is unpacked counts, also of files that turn
 * out too large, so that a bomb costs no more than its limit.
 */
#ifndef POTERNE_REPORTS_ARCHIVE_H
#define POTERNE_REPORTS_ARCHIVE_H

#include "base/buf.h"
#include "base/err.h"

enum archive_result { ARCHIVE_READ, ARCHIVE_ENCRYPTED, ARCHIVE_DAMAGED, ARCHIVE_TOO_LARGE };

struct archive_visitor {
    void *data;
    /* 1: unpack this file; 0: not; -1 with err set ends it all. name: UTF-8, with its folders. */
    int (*look)(void *data, struct str name, struct err *err);
    /* Told of each that was: bytes are there when it is ARCHIVE_READ, until it returns. 0, or -1
     * with err set, which ends it all. */
    int (*file)(void *data, struct str name, enum archive_result result, struct str bytes,
                struct err *err);
};

struct archive_seen {
    enum archive_result result; /* of the zip file as a whole: read, or damaged */
    size_t entries;
    bool more; /* it has more than max_entries: these were not looked at */
};

/* *budget: bytes that may still be unpacked; what was is taken off. -1: out of memory, or the
 * visitor's. */
int archive_each(struct str zip, size_t max_entries, size_t *budget,
                 const struct archive_visitor *visitor, struct archive_seen *seen, struct err *err);

#endif
