/* backup_failed: what poterned left word of, that no daily backup was made (backup/note.h), is
 * mailed to the managers. Killed in between they may hear of it twice. */
#ifndef POTERNE_GATEWAY_REPORTS_BACKUP_FAILED_H
#define POTERNE_GATEWAY_REPORTS_BACKUP_FAILED_H

#include "gateway/outgoing.h"

#define BACKUP_FAILED_LOOK_MS  5000   /* between two looks */
#define BACKUP_FAILED_AGAIN_MS 600000 /* where they could not be told */

/* Looks, if it is time to; when to look again, as now_ms (monotonic), is in *look_at_ms. */
void backup_failed_tick(const struct post *post, int64_t *look_at_ms, int64_t now_ms);

#endif
