/*
 * dmarc_read: a DMARC aggregate report that somebody sent us (RFC 9990, and RFC 7489's older form),
 * read with expat. Hostile: no document type and so no entities of its own, bounded depth, texts
 * and records; what makes no sense refuses the whole report.
 */
#ifndef POTERNE_TALLY_DMARC_READ_H
#define POTERNE_TALLY_DMARC_READ_H

#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"

#define DMARC_READ_MAX       ((size_t)32 * 1024 * 1024) /* bytes of a report, unpacked */
#define DMARC_READ_ROWS_MAX  5000
#define DMARC_READ_TEXT_MAX  512 /* bytes of one text */
#define DMARC_READ_DEPTH_MAX 16

struct dmarc_read_row {
    uint64_t n;
    struct str source_ip;   /* numeric */
    struct str disposition; /* as all texts below: as it was said, trimmed; may be empty */
    struct str dkim, spf;   /* aligned: "pass" or "fail" */
    struct str override;    /* types of reasons, blanks between them */
    struct str header_from, envelope_from;
    struct str results; /* "dkim=pass a.example/s1 spf=fail b.example" */
};

struct dmarc_read {
    struct str org, email, report_id;
    struct str domain; /* normal form */
    struct str p;      /* its policy */
    int64_t begin_s, end_s;
    struct dmarc_read_row *rows;
    size_t n;
};

/* Texts live in the pool. -1 with err: why it is none, or out of memory. */
int dmarc_read(struct str xml, struct pool *pool, struct dmarc_read *report, struct err *err);

#endif
