/*
 * dmarc: does the domain that a reader sees in From stand behind the message, and what does it ask
 * for when it does not (RFC 9989, which follows RFC 7489 and RFC 9091)? Policies and organizations
 * are found by the walk up the DNS tree (4.10); no list of public suffixes is asked. Sections are
 * those of draft-ietf-dmarc-dmarcbis-41, which became the RFC.
 *
 * Results are those of the method dmarc in Authentication-Results:
 *   none       the domain has no policy, or the message no author's domain
 *   pass       a good SPF or DKIM result is of the author's organization
 *   fail       none is
 *   temperror  a DNS failure hides the policy, or the result that would have been aligned (5.3.6)
 *   permerror  the policy can't be read, or the authors are of too many domains
 *
 * A message of several authors is checked for each, and the strictest policy of those that fail is
 * applied (11.5, RFC 7489 6.6.1). Where there are more than DMARC_AUTHORS_MAX, that of the others
 * may be any: reject is applied, and the reason says why.
 */
#ifndef POTERNE_SENDER_DMARC_H
#define POTERNE_SENDER_DMARC_H

#include "mail/message.h"
#include "sender/dkim.h"
#include "sender/dmarc_record.h"
#include "sender/spf.h"

#define DMARC_AUTHORS_MAX 4 /* different domains in From; each is looked at (11.5) */

enum dmarc_result {
    DMARC_NONE,
    DMARC_PASS,
    DMARC_FAIL,
    DMARC_TEMPERROR,
    DMARC_PERMERROR,
};

struct dmarc_authors {
    struct str domains[DMARC_AUTHORS_MAX]; /* normal form (base/domain.h) */
    size_t n;
    bool more; /* than DMARC_AUTHORS_MAX */
};

struct dmarc_answer {
    enum dmarc_result result;
    struct str domain;        /* the author's; of several the one that the result is of */
    struct str record_domain; /* where the policy was found; empty: nowhere */
    enum dmarc_policy policy; /* that the domain publishes for this author */
    /* what it asks for now: t=y takes one step off; none but of a fail, or of too many authors */
    enum dmarc_policy applied;
    bool testing;               /* t=y */
    struct dmarc_record record; /* that was found, where record_domain says so */
    bool spf_aligned, dkim_aligned;
    struct str reason;
};

/*
 * The domains of all From fields (5.3.1), those behind the limits of message.h too, and in a field
 * that programs may read in different ways each that any of them may show; they live in the pool.
 * -1: it is used up.
 */
int dmarc_authors(const struct message *message, struct pool *pool, struct dmarc_authors *authors,
                  struct err *err);

/* Names that dmarc_check() will ask for in any case, added to the *n queries of `max`. */
void dmarc_ahead(const struct dmarc_authors *authors, struct pool *pool, struct dns_query *queries,
                 size_t *n, size_t max);

/*
 * What SPF and DKIM said of the message, NULL what was not asked; the source should remember
 * (dns_memo.h). Of several authors the worst result counts. A pool that is used up is temperror.
 */
void dmarc_check(const struct dmarc_authors *authors, const struct spf_answer *spf,
                 const struct dkim_results *dkim, const struct dns_source *dns, struct pool *pool,
                 struct dmarc_answer *answer);

const char *dmarc_result_name(enum dmarc_result result);

#endif
