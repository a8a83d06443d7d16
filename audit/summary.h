/*
 * summary: an audit as JSON, for the journal's table `audit`, for programs, and read again for
 * metrics.
 */
#ifndef POTERNE_AUDIT_SUMMARY_H
#define POTERNE_AUDIT_SUMMARY_H

#include "audit/audit.h"
#include "base/buf.h"

/* {"messages":1,"recipients":1,"unrecorded":0,"closed":0,"classes":{"owed":0,…},"findings":{"lost":0,…}}:
 * every class and kind. */
void audit_summary_put(struct buf *out, const struct audit_result *result);

#endif
