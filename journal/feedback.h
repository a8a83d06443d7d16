/*
 * feedback: what others report to us: what they saw of mail in the name of our domains (DMARC
 * aggregate reports), and how TLS with our servers ended (RFC 8460). Anybody can send a report: the
 * journal keeps FEEDBACK_REPORTS_MAX, as long as journal.keep and in a tenth of its size, and
 * believes none of them. What is too much goes from who sent most, the oldest first.
 */
#ifndef POTERNE_JOURNAL_FEEDBACK_H
#define POTERNE_JOURNAL_FEEDBACK_H

#include "journal/query.h"

#define FEEDBACK_REPORTS_MAX 5000

struct feedback_filter {
    struct str domain;    /* of the policy; empty: any */
    int64_t from_s, to_s; /* of the day that it is about, `to` excluded; 0: open */
    size_t limit;
};

/* All records of one author's domain, source and result together, most messages first. */
struct feedback_sum {
    struct str domain, header_from, source_ip, disposition, dkim, spf;
    uint64_t n;       /* messages */
    uint64_t reports; /* that say so */
};
int feedback_sums(struct journal *journal, const struct feedback_filter *filter, struct pool *pool,
                  struct feedback_sum **sums, size_t *n, struct err *err);

/* All of one domain, result, server and sender together: failures first, most sessions first. */
struct feedback_tls_sum {
    struct str domain, policy_type;
    struct str result; /* empty: the sessions were secured */
    struct str receiving_mx;
    struct str signer; /* the organization that sent the reports */
    struct str reason; /* of one of them */
    uint64_t n;        /* sessions */
    uint64_t reports;  /* that say so */
};
int feedback_tls_sums(struct journal *journal, const struct feedback_filter *filter,
                      struct pool *pool, struct feedback_tls_sum **sums, size_t *n,
                      struct err *err);

#endif
