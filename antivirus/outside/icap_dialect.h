/*
 * icap_dialect: what a whole ICAP response says of what was sent. RFC 3507 has no word for "virus":
 * servers say it in fields of their own, beside a page that stands in for the content.
 *
 * X-Infection-Found: "Type=0; Resolution=2; Threat=NAME;" (c-icap, ESET, Kaspersky, Trend,
 * Symantec …).
 *
 * X-Violations-Found: a number, then four lines for each (Symantec, c-icap).
 *
 * X-Virus-ID, X-Virus-Name: a name (Sophos, Trend, Kaspersky, squidclamav …).
 *
 * X-Block-Reason: a text (McAfee/Skyhigh).
 *
 * (draft-stecher-icap-subid-00 and the servers' manuals.) Any of them is a finding, whatever the
 * status. Without one: 204, and 200 with just what was sent, are clean; everything else, a page
 * that is put in its place for a reason that is not told included, has failed.
 */
#ifndef POTERNE_ANTIVIRUS_OUTSIDE_ICAP_DIALECT_H
#define POTERNE_ANTIVIRUS_OUTSIDE_ICAP_DIALECT_H

#include "antivirus/engine.h"
#include "antivirus/outside/icap_response.h"

/* Adds to the answer (av_found); nothing is added for clean. */
void icap_judge(const struct icap_response *response, struct av_answer *answer);
/* Of one that did not come as a whole: only that its head, if it came, says "infected". */
void icap_judge_cut(const struct icap_response *response, struct av_answer *answer);

/* What the service is, as its fields Service and ISTag tell; "" where they don't. */
void icap_version(struct str head, char *out, size_t size);

/* What OPTIONS says (RFC 3507 4.10.2). */
struct icap_options {
    bool method; /* the one that was asked for is done */
    bool allow_204;
    bool preview; /* wanted, of … */
    size_t preview_size;
    unsigned lifetime; /* seconds that this holds */
};

#define ICAP_PREVIEW_MAX      ((size_t)64 * 1024) /* a larger one that is wanted is cut to this */
#define ICAP_LIFETIME_DEFAULT 300
#define ICAP_LIFETIME_MAX     3600

void icap_read_options(struct str head, const char *method, struct icap_options *options);

#endif
