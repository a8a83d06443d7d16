/* backup_daily: work that somebody hears of, however it ends. */
#ifndef POTERNE_TOOLS_BACKUP_DAILY_H
#define POTERNE_TOOLS_BACKUP_DAILY_H

#include "tools/tool.h"

#define BACKUP_DAILY_LONGEST (20 * 3600) /* seconds: the next one is due soon */

/*
 * Runs make(data) in a child, which dies with this process; its exit status. -1: it could not be
 * started, was killed, or was not done after `seconds`, and was killed for that.
 */
int backup_daily(unsigned seconds, int (*make)(void *data), void *data, struct err *err);

#endif
