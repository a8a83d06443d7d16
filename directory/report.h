/*
 * report: is an address one that misjudged mail is reported to (settings spam.reports, reports.spam
 * and reports.ham) or that others' reports about us come to (reports.dmarc, reports.tls), and
 * which?
 */
#ifndef POTERNE_DIRECTORY_REPORT_H
#define POTERNE_DIRECTORY_REPORT_H

#include "base/conf.h"

enum report_address {
    REPORT_ADDRESS_NONE,
    REPORT_ADDRESS_SPAM,   /* what is reported there is spam */
    REPORT_ADDRESS_HAM,    /* … is ham */
    REPORT_ADDRESS_EITHER, /* … is the opposite of what we said of it */
    REPORT_ADDRESS_DMARC,  /* other mail systems' aggregate reports (reports.dmarc) … */
    REPORT_ADDRESS_TLS     /* … and their reports about TLS (reports.tls) */
};

/* In any case, with or without A-labels, with an extension where those are known (RFC 5233). */
enum report_address report_address_of(const struct conf *conf, struct str address);
/* The address that mail of ours about reports comes from and is answered to; NULL: there is none,
 * nothing can be reported. */
const char *report_address_own(const struct conf *conf);

#endif
