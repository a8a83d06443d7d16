/*
 * findings: what the process that reads a report (reader.h) tells the one that acts on it. The
 * latter believes none of it more than the mail itself: what it says of who sent it is a claim,
 * what it says of an original may be a lie if the mail has taken it over.
 */
#ifndef POTERNE_GATEWAY_REPORTS_FINDINGS_H
#define POTERNE_GATEWAY_REPORTS_FINDINGS_H

#include "bayes/bayes.h"
#include "gateway/reports/who.h"
#include "reports/answer.h"
#include "reports/digest.h"
#include "reports/identity.h"

#define FINDINGS_MAX      ((size_t)96 * 1024 * 1024)
#define FINDINGS_TEXT_MAX 1000 /* of a subject, a name, a reason */

struct found_original {
    enum identity_kind identity;
    enum marked judged;
    bool received;  /* the reporter was one of its recipients */
    struct str why; /* of its identity */
    struct str id, subject, sender;
    struct str verdict; /* "" : not known */
    double global, heuristics, bayes;
    struct str raw;           /* as it was when we scanned it */
    struct features features; /* without the tokens' texts */
};

struct findings {
    struct who_claim claim;
    enum feedback feedback;
    struct found_original *originals;
    size_t n_originals;
    struct str left_out; /* what was not taken and why, for people; may be empty */
    bool answers_digest;
    struct digest_answer digest;
    enum answer_decision answering; /* meaningful where an answer is due */
    bool answer_due;                /* the mail told us nothing that can be learned */
    struct str answer;              /* the mail, when it may be sent */
};

/* First each original, then (its list unused) the rest. */
void findings_put_original(struct buf *out, const struct found_original *original);
void findings_put(struct buf *out, const struct findings *findings);
/* Texts point into the message, lists live in pool. False: malformed, or no memory. */
bool findings_get(struct str message, struct pool *pool, struct findings *findings);

#endif
