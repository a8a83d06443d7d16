/*
 * tally: counts of a day (UTC) that others are told of in reports: what was seen of mail that says
 * to be from a domain (DMARC, RFC 9990), and how sessions with a domain's servers ended (RFC 8460).
 * A row for each combination of facts, with how often it was seen. What domains publish decides
 * about rows, and anybody can send from anywhere: rows of a day are bounded, for all and for each
 * domain; what finds no room is counted as lost, and the report says so.
 */
#ifndef POTERNE_JOURNAL_TALLY_H
#define POTERNE_JOURNAL_TALLY_H

#include "journal/query.h"

#define TALLY_DOMAIN_ROWS_MAX 5000 /* of a day and domain */
#define TALLY_DMARC_ROWS_MAX  200000
#define TALLY_TLS_ROWS_MAX    20000
#define TALLY_DAY_BYTES_MAX   ((int64_t)128 * 1024 * 1024) /* of a day and kind; or less, sweep.c */
#define TALLY_KEEP_DAYS       35 /* what was reported can be looked at so long; or journal.keep */
#define TALLY_KEEP_DAYS_MIN   3  /* until it is reported */
#define TALLY_DAY_US          (86400 * (int64_t)1000000)

enum tally_kind { TALLY_DMARC = 1, TALLY_TLS = 2 };

static inline int64_t tally_day(int64_t time_us)
{
    return time_us / TALLY_DAY_US;
}

/* What was seen on a day of messages under one policy. */
struct tally_dmarc {
    struct str published;     /* dmarc_record_put() of the policy */
    struct str header_from;   /* the author's domain */
    struct str source_ip;     /* the client's */
    struct str envelope_from; /* domain of the envelope's sender; empty: the null sender */
    struct str spf;           /* "domain result"; empty: not checked */
    struct str dkim;          /* "domain selector result" of each signature, LF between them */
    struct str aligned;       /* "spf", "dkim", "dkim,spf", or "" */
    struct str disposition;   /* "none" "pass" "quarantine" "reject" */
    struct str override;      /* why not what the policy asks for: a type of RFC 9990; or "" */
    uint64_t n;
    int64_t last_us; /* when it was seen last */
};

/* event.domain is not set: it is the one that was asked for. */
struct tally_tls {
    struct event_tls event; /* time_us: of the last one */
    uint64_t n;
};

struct tally_domain {
    struct str domain;
    uint64_t n;    /* messages or sessions */
    uint64_t lost; /* for which there was no room */
};

/* Which domains there is something to report to, of a day; texts and arrays live in the pool. */
int tally_domains(struct journal *journal, enum tally_kind kind, int64_t day, struct pool *pool,
                  struct tally_domain **domains, size_t *n, struct err *err);
/* A domain's rows of a day, in an order that does not change. */
int tally_dmarc_rows(struct journal *journal, int64_t day, struct str domain, struct pool *pool,
                     struct tally_dmarc **rows, size_t *n, struct err *err);
int tally_tls_rows(struct journal *journal, int64_t day, struct str domain, struct pool *pool,
                   struct tally_tls **rows, size_t *n, struct err *err);

#endif
