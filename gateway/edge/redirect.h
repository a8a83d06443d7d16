/*
 * redirect: one RCPT, several recipients. Whoever redirects stays in the envelope: as one who gets
 * a copy, or as RCPT_REDIRECTED, which is its outcome; beside it stand those who get it in its
 * place, each with an outcome of its own.
 *
 * The copy of each of them has a Delivered-To field (as Postfix and qmail write it) for everybody
 * who redirected it. A message that comes with one is not redirected by the same person once more:
 * it goes to that mailbox, so that a circle over servers of others ends. Who forges the field can
 * only keep mail in the mailbox that it was sent to.
 *
 * The envelope sender of what leaves our domains is redirect_sender's of the domain that it is
 * redirected from. The null sender stays, and so does one of ours. What does not fit into an SRS
 * address goes out as postmaster@ that domain, who gets the bounce. Whether the sender is proved is
 * noted, since only then is he told of what can't be delivered (bounce/decide.h). A copy under an
 * SRS address has NOTIFY (RFC 3461): FAILURE, or NEVER where the sender does not want that.
 */
#ifndef POTERNE_GATEWAY_EDGE_REDIRECT_H
#define POTERNE_GATEWAY_EDGE_REDIRECT_H

#include "base/conf.h"
#include "gateway/scan.h"
#include "sender/srs.h"
#include "spool/spool.h"

struct redirection {
    const struct conf *conf;
    const struct srs_keys *keys;
    const struct content_facts *content; /* NULL: nobody has read it, nothing is redirected */
    int64_t now;                         /* seconds since 1970 */
};

/*
 * ways[i] is where the mail of recipient i goes (redirect_way_put() of directory/directory.h;
 * empty: nowhere else). Nobody is in the envelope twice afterwards. What would be more than
 * SPOOL_RECIPIENTS_MAX or SPOOL_RECIPIENTS_BYTES is not redirected. -1: out of memory.
 */
int redirect_recipients(struct envelope *envelope, const struct str *ways,
                        const struct redirection *redirection, struct pool *pool, struct err *err);

#endif
