/* restore_tool: what the files of `poterne restore` share. */
#ifndef POTERNE_TOOLS_RESTORE_TOOL_H
#define POTERNE_TOOLS_RESTORE_TOOL_H

#include "backup/restore.h"

/*
 * When all is where it belongs: the journal there is told which of the backup's messages did not
 * come back with it, and which have come back to it (journal/left_out.h). begun_us: when the backup
 * was; name: its generation's. closed: how many are not missed; 0 where there is no journal.
 */
int restore_tell_journal(const struct restore *r, const char *name, int64_t begun_us,
                         uint64_t *closed, struct err *err);

#endif
