/*
 * dkim: are the DKIM signatures of a message good (RFC 6376, 8301, 8463)? Verified by libopendkim
 * in process, without a network: keys come from a dns_source.
 *
 * Results are those of RFC 8601 2.7.1:
 *   pass       the signature is good
 *   fail       it is well-formed, its key is there, and it does not fit the message
 *   neutral    the field can't be read as a signature
 *   temperror  the key could not be asked for now
 *   permerror  no key, revoked, expired, a key or algorithm that is not accepted
 *   permerror  a header beyond the limits: what is not looked at might be another From
 *
 * No signature at all is an empty list.
 */
#ifndef POTERNE_SENDER_DKIM_H
#define POTERNE_SENDER_DKIM_H

#include "base/pool.h"
#include "sender/dns.h"

#define DKIM_SIGNATURES_MAX 10          /* from the top; those below are not looked at */
#define DKIM_FIELDS_MAX     1000        /* header fields of one message; more: permerror */
#define DKIM_FIELD_MAX      (64 * 1024) /* bytes of one field; more: permerror */
#define DKIM_SIGNATURE_MAX  (16 * 1024) /* bytes of one signature; longer: left out */
#define DKIM_START          8           /* bytes of b= that tell signatures apart (RFC 6008 4) */
#define DKIM_KEY_MAX        1000        /* bytes of a key record (RSA 4096 needs about 750) */
#define DKIM_NAME_MAX       253         /* selector._domainkey.domain (RFC 1035); d=, s= */

enum dkim_result {
    DKIM_PASS,
    DKIM_FAIL,
    DKIM_NEUTRAL,
    DKIM_TEMPERROR,
    DKIM_PERMERROR,
};

struct dkim_signature {
    enum dkim_result result;
    struct str domain;    /* d=; empty where unreadable, as the two below */
    struct str selector;  /* s= */
    struct str algorithm; /* a= */
    struct str start;     /* of b=: tells signatures apart (RFC 6008) */
    struct str reason;    /* why not pass; or, of a pass, what it does not cover */
    unsigned key_bits;    /* 0: no key seen */
    bool testing;         /* the key says t=y: to be taken for unsigned (RFC 6376 3.6.1) */
    bool partial;         /* l=: some of the body is not covered */
};

struct dkim_results {
    struct dkim_signature list[DKIM_SIGNATURES_MAX];
    size_t n;
    bool more; /* there were more signatures than DKIM_SIGNATURES_MAX */
};

struct dkim_policy {
    unsigned min_key_bits; /* RSA */
    bool accept_sha1;      /* rsa-sha1 */
    bool accept_drafts;    /* v=0.5 and no v= (before RFC 4871) */
    uint64_t now;          /* Unix time for t= and x=; 0: the clock */
};
/* RFC 8301: RSA from 1024 bits, no SHA-1 */
extern const struct dkim_policy dkim_policy_default;

/* Names of the keys that the message's signatures are of, added to the *n queries of `max`. */
void dkim_ahead(struct str raw, struct pool *pool, struct dns_query *queries, size_t *n,
                size_t max);

/* The library's handle; made once, before the sandbox; any number of messages, one at a time. */
struct dkim_checker;

struct dkim_checker *dkim_checker_new(const struct dkim_policy *policy, struct err *err);
void dkim_checker_free(struct dkim_checker **checker);

/*
 * Verifies the message as it was received. Texts in results live in pool. -1 only when memory or
 * the library fails; what the message does wrong is a result.
 */
int dkim_check(struct dkim_checker *checker, struct pool *pool, struct str raw,
               const struct dns_source *dns, struct dkim_results *results, struct err *err);

/* Whether somebody stands behind the message with it: good, and of no key in testing mode. */
static inline bool dkim_vouches(const struct dkim_signature *signature)
{
    return signature->result == DKIM_PASS && !signature->testing;
}

const char *dkim_result_name(enum dkim_result result); /* "pass" "fail" … */

#endif
