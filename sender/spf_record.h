/*
 * spf_record: the text of an SPF record, read into its terms (RFC 7208 4.6.1, 12). All of the
 * syntax is looked at before anything is evaluated, the macros included.
 */
#ifndef POTERNE_SENDER_SPF_RECORD_H
#define POTERNE_SENDER_SPF_RECORD_H

#include "sender/spf.h"

enum spf_mechanism {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
};

struct spf_term {
    enum spf_mechanism mechanism;
    enum spf_result qualifier;
    struct str text;           /* the whole term */
    struct str domain;         /* not expanded; empty: the domain of the record */
    unsigned char address[16]; /* SPF_IP4: the first 4 */
    unsigned prefix4, prefix6;
};

/* Views of the record's text. */
struct spf_record {
    struct spf_term *terms;
    size_t n;
    struct str redirect, explanation; /* not expanded; empty: not there */
};

/* Whether a TXT record is one of SPF (4.5). */
bool spf_record_is(struct str text);
/* NULL; or why it is a permerror; "out of memory" is SPF_NO_MEMORY itself. */
const char *spf_record_parse(struct pool *pool, struct str text, struct spf_record *record);
extern const char SPF_NO_MEMORY[];

#endif
