/*
 * sender: all that is to be known about who sent a message, in the order in which it can be known:
 * what will be asked of the DNS is named, asked for in one round by who runs the message (with what
 * others want to know), and then SPF, DKIM, ARC and DMARC are evaluated over the answers.
 */
#ifndef POTERNE_SENDER_SENDER_H
#define POTERNE_SENDER_SENDER_H

#include "mail/message.h"
#include "sender/arc.h"
#include "sender/dkim.h"
#include "sender/dmarc.h"
#include "sender/spf.h"

/* Which checks are made. */
struct sender_policy {
    bool spf, dkim, dmarc, arc;
    const char *const *trusted; /* sealers (sender/arc.h) */
    size_t n_trusted;
};

struct sender_input {
    struct str raw; /* as it was received: edits would break what is signed */
    const struct message *message;
    struct spf_request envelope; /* client_ip empty: not known, and SPF is not checked */
};

struct sender_facts {
    bool spf_checked, dkim_checked, dmarc_checked, arc_checked;
    struct spf_answer spf, helo;
    struct dkim_results dkim;
    struct dmarc_authors authors;
    struct dmarc_answer dmarc; /* nothing is asked for (applied) where a trusted sealer vouches */
    struct arc_answer arc;
    bool vouched; /* it fails here, and passed where a trusted sealer took it */
};

/*
 * Adds what will be asked for to the *n queries of `max`, as far as it is known beforehand; fills
 * facts->authors. -1: the pool is used up.
 */
int sender_questions(const struct sender_policy *policy, const struct sender_input *input,
                     struct pool *pool, struct sender_facts *facts, struct dns_query *queries,
                     size_t *n, size_t max, struct err *err);

/* After sender_questions() on the same facts. The source should remember (dns_memo.h); checker may
 * be NULL where policy->dkim is false. -1: out of memory. */
int sender_check(const struct sender_policy *policy, struct dkim_checker *checker,
                 const struct sender_input *input, const struct dns_source *dns, struct pool *pool,
                 struct sender_facts *facts, struct err *err);

#endif
