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
#include "sender/sender.h"

/*
 * Usage: begin, one call for each method that was tried, end. The field grows in out, with CR LF
 * and folded where a line would be longer than 78 bytes and can be broken:
 *
 *     Authentication-Results: mx.example.org;
 *         iprev=pass policy.iprev=192.0.2.1 (mail.example.com);
 *         spf=pass smtp.mailfrom=news@example.com;
 *         dkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256 header.b=Y9Xq2mZk;
 *         dmarc=pass header.from=example.com (p=reject)
 */
void authres_begin(struct buf *out, struct str host);
/* The client has a name, which leads back to its address (RFC 8601 2.7.3). */
void authres_iprev(struct buf *out, struct str client_ip, struct str client_name);
/* Of the envelope's sender, or of HELO where the answer is of that. */
void authres_spf(struct buf *out, const struct spf_answer *answer, struct str sender,
                 struct str helo);
void authres_dkim(struct buf *out, const struct dkim_results *results);
/* client_ip: who handed it to us (RFC 8617 10.2). Nothing where there is no chain. */
void authres_arc(struct buf *out, const struct arc_answer *answer, struct str client_ip);
void authres_dmarc(struct buf *out, const struct dmarc_answer *answer);
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
