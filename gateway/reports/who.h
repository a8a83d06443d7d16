/*
 * who: from whom is a report, and is that certain? Two things make it so:
 *
 *   its client is in one of the networks of reports.trusted;
 *   or a DKIM signature passes that covers the whole body, is not under test, and is of the domain
 * of From, which is ours (RFC 7489 3.1.1; a parent domain signs for it if that is ours, too). To or
 * Cc must name the report address then: otherwise anything that a manager ever sent to anybody
 * could be sent here again.
 *
 * Only who is certain can be a manager. Nobody else's word is weighed by name: in what waits, an
 * address that anybody may have written stands as such, so that it spoils no one's record.
 */
#ifndef POTERNE_GATEWAY_REPORTS_WHO_H
#define POTERNE_GATEWAY_REPORTS_WHO_H

#include "base/conf.h"
#include "directory/address.h"

#define WHO_TEXT_MAX (ADDRESS_MAX + 20)

/* What the report says of itself. */
struct who_claim {
    struct str from;   /* the one address in From; empty: none or several */
    struct str sender; /* of the envelope */
    bool named;        /* To or Cc names an address that takes reports */
};

struct who {
    char address[ADDRESS_MAX + 1]; /* in its normal form; empty: nobody */
    bool certain;
    bool manager;
};

/* evidence: JSON of what was found out when it came in; what can't be read proves nothing. */
void who_find(const struct conf *conf, struct str client_ip, struct str evidence,
              const struct who_claim *claim, struct who *who);

/* As it stands with what waits: "jean@example.org", "jean@example.org (unverified)". */
void who_text(const struct who *who, char text[WHO_TEXT_MAX + 1]);

#endif
