/*
 * decode: transfer encodings undone as SpamAssassin does it (Util.pm of 4.0.1). mail/transfer.h
 * does what mail programs do, which differs where the coding is broken.
 */
#ifndef POTERNE_RULES_DECODE_H
#define POTERNE_RULES_DECODE_H

#include "base/pool.h"

/* In the pool; .s NULL when it is used up. */
struct str decode_qp(struct pool *pool, struct str in);
struct str decode_base64(struct pool *pool, struct str in);
/* With LF for each CR LF; the text itself when there is none. */
struct str decode_crlf(struct pool *pool, struct str in);

#endif
