/*
 * feedback: what other mail systems saw of mail in the name of our domains, out of the DMARC
 * aggregate reports that they sent us. Anybody can send one: the journal keeps
 * FEEDBACK_REPORTS_MAX, the newest, as long as journal.keep and in a tenth of its size, and
 * believes none of them.
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

#endif
