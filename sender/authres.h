/*
 * authres: the Authentication-Results field (RFC 8601): what we found out about the sender, for
 * filters and mail programs behind us; and which inbound fields claim to be ours and must go
 * (section 5), since they would be believed.
 */
#ifndef POTERNE_SENDER_AUTHRES_H
#define POTERNE_SENDER_AUTHRES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "mail/edit.h"
#include "sender/dkim.h"

/*
 * Usage: begin, one call for each method, end. The field grows in out, folded, with CR LF:
 *   Authentication-Results: mx.example.org;
 *     dkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256
 */
void authres_begin(struct buf *out, struct str host);
void authres_dkim(struct buf *out, const struct dkim_results *results);
void authres_end(struct buf *out);

#define AUTHRES_FORGED_MAX 1000

/* Bytes [at, end) of the raw message: whole fields, neighbours joined. */
struct authres_span {
    size_t at;
    size_t end;
};

/*
 * Finds the fields that name `host` as the one who made them, or that nobody can read. -1 when
 * there are more than AUTHRES_FORGED_MAX stretches of them, or the pool is used up.
 */
int authres_forged(struct pool *pool, struct str raw, struct str host, struct authres_span **spans,
                   size_t *n, struct err *err);

/*
 * Takes them out: adds to the edits of the message (edits_make) the removal of each. -1 as above,
 * or when there are more than EDITS_MAX edits together.
 */
int authres_remove(struct pool *pool, const struct message *message, struct str host,
                   struct edits *edits, struct err *err);

#endif
