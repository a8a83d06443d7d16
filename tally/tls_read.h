/*
 * tls_read: a TLS report that somebody sent us (RFC 8460 4.4), read with jansson. Hostile: bounded
 * bytes, depth, texts and rows; what makes no sense refuses the whole report.
 */
#ifndef POTERNE_TALLY_TLS_READ_H
#define POTERNE_TALLY_TLS_READ_H

#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"

#define TLS_READ_MAX       ((size_t)4 * 1024 * 1024) /* bytes of a report, unpacked */
#define TLS_READ_ROWS_MAX  5000
#define TLS_READ_TEXT_MAX  512 /* bytes of one text; what is longer is cut */
#define TLS_READ_DEPTH_MAX 16

/* Of what a report says of sessions stands that it does not say why they failed. */
#define TLS_READ_UNEXPLAINED "unexplained"

/* Sessions of one policy that ended alike. */
struct tls_read_row {
    uint64_t n;
    struct str domain;      /* the policy's, in normal form */
    struct str policy_type; /* as all texts below: as it was said, trimmed; may be empty */
    struct str result;      /* of a failure: "certificate-expired" …; empty: they were secured */
    struct str sending_ip, receiving_mx, receiving_ip, reason;
};

struct tls_read {
    struct str org, contact, report_id;
    int64_t begin_s, end_s; /* seconds since 1970 */
    struct tls_read_row *rows;
    size_t n;
};

/* Texts live in the pool. -1 with err: why it is none, or out of memory. */
int tls_read(struct str json, struct pool *pool, struct tls_read *report, struct err *err);

#endif
