/*
 * spf: may this client send mail for this domain (RFC 7208)?
 *
 * The evaluator is our own and not libspf2: behind a source like ours, 1.2.10 of Debian 12 ended 62
 * of the 203 cases of the RFC's test suite otherwise (syntax, prefixes of /0, time-outs, redirect=,
 * void look-ups, limits), its macro expansion has a history of memory errors (CVE-2021-33912 and
 * -33913, CVE-2023-42118), and it tells neither the mechanism that matched nor the names that it
 * will ask for. A fence that mends this, a full parser of records that counts look-ups and expands
 * names ahead, is an evaluator but for its last hundred lines.
 *
 * Nothing is asked but through the source, and every record's names are asked for in one round
 * before it is evaluated: the source should remember (dns_memo.h).
 */
#ifndef POTERNE_SENDER_SPF_H
#define POTERNE_SENDER_SPF_H

#include "base/err.h"
#include "base/pool.h"
#include "sender/dns.h"

#define SPF_LOOKUPS_MAX     10              /* terms that ask the DNS (4.6.4) */
#define SPF_AHEAD_MAX       SPF_LOOKUPS_MAX /* names asked ahead for one record: no more can count */
#define SPF_VOID_MAX        2               /* look-ups without an answer (4.6.4) */
#define SPF_NAMES_MAX       10              /* MX or PTR names of one term (4.6.4) */
#define SPF_RECORD_MAX      (8 * 1024)      /* bytes; longer: permerror */
#define SPF_EXPANSION_MAX   (8 * 1024)      /* bytes of one expanded macro string */
#define SPF_EXPLANATION_MAX 500             /* bytes that are kept of it */

/* Leading bits of an address that make a match narrow: a network that one sender may well own. */
#define SPF_NARROW4 12
#define SPF_NARROW6 32

enum spf_result { /* 2.6 */
                  SPF_NONE,
                  SPF_NEUTRAL,
                  SPF_PASS,
                  SPF_FAIL,
                  SPF_SOFTFAIL,
                  SPF_TEMPERROR,
                  SPF_PERMERROR,
};

struct spf_request {
    struct str client_ip;
    struct str helo;
    struct str sender;   /* of the envelope; "" the null sender: HELO is what is checked (2.4) */
    struct str hostname; /* ours, for %{r} */
    int64_t now;         /* Unix time, for %{t} */
};

struct spf_answer {
    enum spf_result result;
    bool of_helo;           /* the identity was HELO, not MAIL FROM */
    struct str domain;      /* that was checked; empty: there is none */
    struct str mechanism;   /* that matched, as it stands in the record; empty: none did */
    bool narrow;            /* it did by an address or a name of the client, and not by `all`,
                               `exists`, or a network that holds half of the world */
    struct str reason;      /* of an error, in words */
    struct str explanation; /* of a fail: the domain's own words, printable ASCII; may be empty */
    unsigned lookups, voids;
};

/* Texts live in the pool. -1: the pool is used up. */
int spf_check(const struct spf_request *request, const struct dns_source *dns, struct pool *pool,
              struct spf_answer *answer, struct err *err);
/* The same for HELO, whatever the sender is (2.3). */
int spf_check_helo(const struct spf_request *request, const struct dns_source *dns,
                   struct pool *pool, struct spf_answer *answer, struct err *err);

/* The domain whose record is asked for first; empty: neither sender nor HELO has one. */
struct str spf_domain(const struct spf_request *request, struct pool *pool);
struct str spf_helo_domain(const struct spf_request *request, struct pool *pool);

const char *spf_result_name(enum spf_result result); /* "pass" "softfail" … */

#endif
