/*
 * envelope: what the spool keeps about a message, out of the SMTP session and the verdict.
 * Texts live in the message's pool, so that it survives its session.
 */
#ifndef POTERNE_GATEWAY_EDGE_ENVELOPE_H
#define POTERNE_GATEWAY_EDGE_ENVELOPE_H

#include "gateway/edge/edge.h"
#include "gateway/verdict.h"

/* Sender, client and recipients, of which nobody is named twice; ways[i] is where else the mail of
 * recipient i goes (smtp_recipient.way). -1: out of memory. */
int envelope_copy(struct envelope *envelope, struct str **ways, const struct smtp_envelope *from,
                  const struct arrival_origin *origin, struct pool *pool, struct err *err);
/* Adds "Received: …" with CR LF (gateway/received.h). The one recipient is named; of several none
 * is, since each would read the others' addresses. */
void envelope_received(struct buf *out, const struct envelope *envelope, struct str hostname,
                       struct str tls);
/* Verdict, scores, and the edits: our header lines on top, the tagged Subject for spam. keys sign
 * the id. */
int envelope_judge(struct envelope *envelope, const struct verdict *verdict,
                   const struct verdict_facts *facts, const struct conf *conf,
                   const struct keys *keys, struct str tls, struct pool *pool, struct err *err);

#endif
