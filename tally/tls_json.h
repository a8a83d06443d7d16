/*
 * tls_json: a report about TLS with a domain's servers on one day (RFC 8460 4.4).
 */
#ifndef POTERNE_TALLY_TLS_JSON_H
#define POTERNE_TALLY_TLS_JSON_H

#include "base/err.h"
#include "tally/maker.h"

struct tls_report {
    const struct tally_maker *maker;
    const struct tally_subject *subject;
    const struct tally_tls *rows; /* at least one; in the order of tally_tls_rows() */
    size_t n;
};

/* Appends the document, UTF-8, one member a line. -1: out of memory, or no room. */
int tls_json_put(struct buf *out, const struct tls_report *report, struct err *err);

#endif
