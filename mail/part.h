/* part: what the fields of a part's header say about its body (RFC 2045, 2046, 2183). */
#ifndef POTERNE_MAIL_PART_H
#define POTERNE_MAIL_PART_H

#include "base/err.h"
#include "mail/message.h"

/* Fills type, params, charset, disposition, filename and encoding; of a field that comes twice
 * the first that is not empty counts, of types a multipart: what readers may find in it is seen
 * then. -1: the pool is used up. */
int part_interpret(struct pool *pool, struct part *part, struct err *err);

static inline bool part_is_multipart(const struct part *part)
{
    return str_starts(part->type, STR("multipart/"));
}

/* Its body is a message with a header of its own (RFC 2046 5.2.1, RFC 6532 3.7). */
bool part_is_message(const struct part *part);

static inline bool part_is_encoded(const struct part *part)
{
    return part->encoding == ENC_QP || part->encoding == ENC_BASE64 ||
           part->encoding == ENC_UUENCODE;
}

/* The charset of the part's text: the header's, or the one that HTML names itself. */
struct str part_charset(const struct part *part, struct str decoded);

#endif
