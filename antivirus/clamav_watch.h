/*
 * clamav_watch: what libclamav does not say. It cuts the output of a zip entry at its file size
 * limit, and passes over an archive that it can't open, or of which a part is missing, all without
 * a word: the answer is "clean". The watch follows the tree of files that libclamav reports while
 * it scans, and notes them. (The clean-file cache must be off: a cached file's inside is not
 * reported again.)
 */
#ifndef POTERNE_ANTIVIRUS_CLAMAV_WATCH_H
#define POTERNE_ANTIVIRUS_CLAMAV_WATCH_H

#include "base/str.h"

#define CLAMAV_DEPTH_MAX 128
/* An archive smaller than this may well be empty (files below 6 bytes are not reported). */
#define CLAMAV_ARCHIVE_MIN 128

struct clamav_watch {
    uint64_t file_limit; /* bytes of one unpacked file */
    bool unlocked;       /* a zip that libclamav can't open was opened by ourselves */
    uint32_t depth;      /* files now open inside one another */
    struct {
        const char *archive; /* libclamav's name of the kind; NULL: not an archive */
        bool opened;
    } level[CLAMAV_DEPTH_MAX];
    char note[128]; /* the first thing that was not looked at; empty: none */
};

void clamav_watch_start(struct clamav_watch *watch, uint64_t file_limit);
/* A file begins at that depth (the outermost is 0). */
void clamav_watch_file(struct clamav_watch *watch, uint32_t depth, const char *type, size_t size);
/* The file that begins is an archive of that kind, and not all of it (archive_end.h). */
void clamav_watch_cut(struct clamav_watch *watch, const char *type);
/* All files have been reported. */
void clamav_watch_end(struct clamav_watch *watch);

#endif
