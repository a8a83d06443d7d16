/*
 * tell_journal: what a process for one piece of work (reader.h) tells the journal, and waits for
 * until it is committed.
 */
#ifndef POTERNE_GATEWAY_REPORTS_TELL_JOURNAL_H
#define POTERNE_GATEWAY_REPORTS_TELL_JOURNAL_H

#include "base/conf.h"
#include "journal/client.h"

/* `tell` puts its events, of `bytes_max` at most. -1: not all of them are known to be committed. */
int tell_journal(const struct conf *conf, size_t bytes_max,
                 int (*tell)(struct journal_client *client, const void *data, struct err *err),
                 const void *data, struct err *err);

#endif
