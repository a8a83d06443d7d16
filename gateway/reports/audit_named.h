/*
 * audit_named: which of an audit's findings are named in the log and the digest, where not all can
 * be. What was found yesterday is found today (a lost message stays lost), and must not stand
 * before what is new: so a few of each kind that there is, its newest, which come last out of an
 * audit; and the worst kinds, which come first in enum finding_kind, before the others.
 */
#ifndef POTERNE_GATEWAY_REPORTS_AUDIT_NAMED_H
#define POTERNE_GATEWAY_REPORTS_AUDIT_NAMED_H

#include <jansson.h>

#include "audit/finding.h"

#define AUDIT_NAMED_MAX 20 /* findings that are named; the others are counted */

struct audit_named {
    json_t *kinds[FINDING_KINDS]; /* a line each, the last AUDIT_NAMED_MAX; NULL: none yet */
};

/* Zeros to begin with. Nothing is kept of the finding. */
void audit_named_add(struct audit_named *named, const struct finding *finding);
/* One line of each kind in turn while there is room; then kind by kind, the newest first. An array
 * of strings of the caller's; NULL: no memory. */
json_t *audit_named_list(const struct audit_named *named);
void audit_named_release(struct audit_named *named);

#endif
