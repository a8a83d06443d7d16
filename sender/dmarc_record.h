/*
 * dmarc_record: the text of a DMARC policy record (RFC 9989 4.7, 4.8).
 */
#ifndef POTERNE_SENDER_DMARC_RECORD_H
#define POTERNE_SENDER_DMARC_RECORD_H

#include "base/buf.h"
#include "base/str.h"

/* fo=: when the domain wants reports of single failures. We send none. */
enum dmarc_failure { DMARC_FO_ALL = 1, DMARC_FO_ANY = 2, DMARC_FO_DKIM = 4, DMARC_FO_SPF = 8 };

#define DMARC_PUBLISHED_MAX 128 /* bytes of dmarc_record_put() */

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
    enum dmarc_policy policy;    /* p= */
    enum dmarc_policy subdomain; /* sp=, else p= */
    enum dmarc_policy missing;   /* np=, else sp=, else p=: for names that do not exist */
    enum dmarc_psd psd;
    bool strict_dkim, strict_spf;    /* adkim=s, aspf=s */
    bool testing;                    /* t=y */
    bool has_subdomain, has_missing; /* sp=, np= stand there */
    bool reports;                    /* rua= names somebody to report to */
    unsigned failure;                /* enum dmarc_failure; 0: fo= is not there */
    bool unusable; /* no p= that can be read, or sp= or np= that can't, and nobody to report to: no
                      DMARC for this domain (4.10.1) */
};

/* False: it is no DMARC record at all. Unknown tags, and values of others that can't be read, are
 * passed over. */
bool dmarc_record_parse(struct str text, struct dmarc_record *record);

/* Appends what counts of it in one form: "p=reject; sp=none; adkim=r; aspf=s; t=n; fo=1:d"; sp, np
 * and fo only where they were published. */
void dmarc_record_put(struct buf *out, const struct dmarc_record *record);

const char *dmarc_policy_name(enum dmarc_policy policy); /* "none" "quarantine" "reject" */

#endif
