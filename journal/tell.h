/*
 * tell: events from who has no event loop: a command, or a process for one piece of work. Waits
 * until they are committed.
 */
#ifndef POTERNE_JOURNAL_TELL_H
#define POTERNE_JOURNAL_TELL_H

#include "journal/client.h"

#define JOURNAL_TELL_MS 30000 /* until the journal counts as away */

/* `tell` puts its events, of `bytes_max` at most; the journal's socket is in run_dir. -1: not all
 * of them are known to be committed. */
int journal_tell(const char *run_dir, size_t bytes_max,
                 int (*tell)(struct journal_client *client, const void *data, struct err *err),
                 const void *data, struct err *err);

#endif
