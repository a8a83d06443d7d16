/*
 * tlsa: the TLSA records of a mail server (RFC 6698), those of them that count for SMTP (RFC
 * 7672 3.1): DANE-TA(2) and DANE-EE(3). PKIX-TA(0) and PKIX-EE(1), what is not known, and what is
 * malformed is unusable, and passed over. Pure: who asked the DNS, and that the answer was proved
 * by DNSSEC, is the caller's business; the bytes are a stranger's.
 */
#ifndef POTERNE_GATEWAY_CLIENT_TLSA_H
#define POTERNE_GATEWAY_CLIENT_TLSA_H

#include "sender/dns.h"

#define TLSA_RECORDS_MAX 16   /* usable ones of a server; those behind are passed over */
#define TLSA_TEXT_SIZE   160  /* "3 1 1 0123…" with its NUL */
#define TLSA_DATA_MAX    4096 /* bytes of one: a whole certificate seldom has half of it */

enum tlsa_usage { TLSA_PKIX_TA, TLSA_PKIX_EE, TLSA_DANE_TA, TLSA_DANE_EE };
enum tlsa_selector { TLSA_CERTIFICATE, TLSA_PUBLIC_KEY };
enum tlsa_matching { TLSA_WHOLE, TLSA_SHA256, TLSA_SHA512 };

struct tlsa_record {
    enum tlsa_usage usage;
    enum tlsa_selector selector;
    enum tlsa_matching matching;
    struct str data; /* certificate association data */
};

/* One block of memory. */
struct tlsa {
    size_t n; /* 0: there are records, none of them usable: TLS must be, and proves nothing */
    size_t passed_over;
    char unusable[TLSA_TEXT_SIZE]; /* the first that was passed over, as tlsa_text(), for reports */
    struct tlsa_record records[TLSA_RECORDS_MAX];
    char bytes[];
};

/* One record's bytes as on the wire; false: unusable. The data stays where it is. */
bool tlsa_record_read(struct str wire, struct tlsa_record *record);
/* Of a server that has at least one. free() it; NULL: out of memory. */
struct tlsa *tlsa_read(const struct dns_record *records, size_t n);
/* "3 1 1", and the first bytes of its data, for people and reports. */
void tlsa_text(const struct tlsa_record *record, char out[TLSA_TEXT_SIZE]);

#endif
