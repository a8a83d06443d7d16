/*
 * names: every file name that some mail program may show for a part. The header that gives a file
 * its name can be read in many ways: a name given twice, plain and in the sections of RFC 2231,
 * sections out of order or missing, encoded words, comments and quotes in odd places. What is
 * meant to be kept from a policy on names hides in the difference.
 */
#ifndef POTERNE_GATEWAY_ANTIVIRUS_NAMES_H
#define POTERNE_GATEWAY_ANTIVIRUS_NAMES_H

#include "base/pool.h"
#include "base/str.h"

#define AV_NAMES_MAX      32   /* of one part */
#define AV_NAME_BYTES_MAX 1024 /* of one name: its end, where its kind stands, is never cut off */

struct av_names {
    struct str list[AV_NAMES_MAX]; /* UTF-8, not empty, each once */
    size_t n;
    bool left_out; /* there were more, or longer ones, or no memory for them */
};

/* Adds the name unless it is there. */
void av_names_add(struct av_names *names, struct pool *pool, struct str name);
/* Adds what `head`, the bytes of a part's header, gives as its name, by every reading. */
void av_names_read(struct av_names *names, struct pool *pool, struct str head);

#endif
