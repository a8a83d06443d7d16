/*
 * candidates: what may be the password of an archive, out of the text that came with it: words
 * behind "password:" in many languages, quoted words, lines of one word, words of the subject and
 * of the file's name, then other words with a digit; best first, each once.
 */
#ifndef POTERNE_ANTIVIRUS_FILES_CANDIDATES_H
#define POTERNE_ANTIVIRUS_FILES_CANDIDATES_H

#include "base/pool.h"

#define CANDIDATES_MAX     200                  /* in all */
#define CANDIDATE_SIZE_MAX 64                   /* bytes of one */
#define CANDIDATES_TEXT    ((size_t)256 * 1024) /* bytes of text that are searched */

struct candidates {
    struct pool *pool;
    const char *items[CANDIDATES_MAX]; /* NUL-terminated, in the pool */
    size_t n;
};

/* texts: the subject first, then the lines or paragraphs of the message, in UTF-8; file_name may be
 * empty. What does not fit into the pool or the limits is left out. */
void candidates_make(struct candidates *candidates, struct pool *pool, const struct str *texts,
                     size_t n_texts, struct str file_name);

#endif
