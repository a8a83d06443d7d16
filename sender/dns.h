/*
 * dns: questions to the DNS and their answers, for whoever judges a sender. Nothing in this folder
 * speaks DNS: a source is a function, so that the resolver process, a file of a test or nothing can
 * stand behind it.
 *
 * Questions are asked together: a source takes all of them at once and comes back when each has its
 * answer or its time is over. What can be known beforehand to be needed is asked in one round;
 * asking again later for the same costs nothing that counts.
 */
#ifndef POTERNE_SENDER_DNS_H
#define POTERNE_SENDER_DNS_H

#include "base/err.h"
#include "base/pool.h"

#define DNS_NAME_MAX      253         /* as text, without the last dot (RFC 1035 3.1) */
#define DNS_RECORDS_MAX   100         /* of one answer; those behind are left out */
#define DNS_RECORD_MAX    (16 * 1024) /* bytes of one record's data */
#define DNS_QUESTIONS_MAX 200         /* asked together */

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52,
};

enum dns_status {
    DNS_ASKED_NOT,   /* not yet */
    DNS_FOUND,       /* there are records */
    DNS_NO_NAME,     /* NXDOMAIN */
    DNS_NO_DATA,     /* the name is there, no record of this type */
    DNS_TEMP_FAILED, /* SERVFAIL, time-out, budget used up, resolver away: nobody knows */
    DNS_BOGUS,       /* DNSSEC says that the answer is forged: to be treated as TEMP_FAILED */
    DNS_BAD_NAME,    /* the name can't be asked for: too long, an empty or too long label */
};

/*
 * A record's data: A 4 bytes, AAAA 16 bytes (network order); NS, PTR and MX a name as text in lower
 * case without the last dot; TXT the strings joined without a blank (RFC 7208 3.3), any bytes; TLSA
 * as on the wire.
 */
struct dns_record {
    struct str data;
    unsigned preference; /* MX */
};

struct dns_query {
    enum dns_type type; /* what is asked */
    struct str name;    /* with or without the last dot; stays the asker's */
    enum dns_status status;
    bool secure; /* DNSSEC proved it */
    uint32_t ttl;
    const struct dns_record *records; /* DNS_FOUND; in the pool that was given */
    size_t n;
};

struct dns_source {
    /*
     * Answers every query whose status is DNS_ASKED_NOT. There is no error: what could not be asked
     * is DNS_TEMP_FAILED. At most DNS_QUESTIONS_MAX queries; those behind fail so.
     */
    void (*ask)(void *data, struct pool *pool, struct dns_query *queries, size_t n);
    void *data;
    /* NULL, or whether some questions were put off: they failed for now, and what was made of their
     * answers is to be made anew when they are there. */
    const bool *put_off;
};

/* No DNS here: every question fails for now. */
extern const struct dns_source dns_source_none;
/* Whether it is that one, or a copy. */
bool dns_source_is_none(const struct dns_source *source);

/* One question, asked alone. */
struct dns_query dns_ask(const struct dns_source *source, struct pool *pool, enum dns_type type,
                         struct str name);

/* No empty label, none above 63 bytes, at most DNS_NAME_MAX in all; a last dot is fine. */
bool dns_name_ok(struct str name);
/* The name in lower case, without the last dot; .s NULL: out of memory. */
struct str dns_name_normal(struct pool *pool, struct str name);

const char *dns_type_name(enum dns_type type); /* "A", "MX" … */
bool dns_type_of(struct str name, enum dns_type *type);
const char *dns_status_name(enum dns_status status); /* for people and for the evidence */

#endif
