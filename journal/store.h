/*
 * store: the one writer of the journal, FOLDER/journal.sqlite (WAL). Events are applied within a
 * transaction and become durable together at journal_store_commit(). Applied twice, an event
 * changes nothing; applied late, it can't undo what came after it.
 *
 * A file that SQLite finds damaged is set aside under a name with the time (never deleted), and an
 * empty journal begins; whoever still waits for an acknowledgement sends again.
 */
#ifndef POTERNE_JOURNAL_STORE_H
#define POTERNE_JOURNAL_STORE_H

#include "base/conf.h"
#include "journal/event.h"

struct journal_store;
/* FOLDER must exist. NULL with err set, also when a newer poterne wrote it. */
struct journal_store *journal_store_open(const char *folder, struct err *err);
/* What was not committed is gone. */
void journal_store_close(struct journal_store **store);

/* Which counts of a day (tally.h) are made from now on; both unless said. */
void journal_store_count(struct journal_store *store, bool dmarc, bool tls);

/* After -1 of any of these nothing that was not committed is kept: close the store, and open it
 * again later (the disk may be full). */
int journal_store_apply(struct journal_store *store, const struct event *event, struct err *err);
int journal_store_commit(struct journal_store *store, struct err *err);

/*
 * Deletes a bounded number of what is older than conf->keep: refusals, and messages whose
 * recipients are all settled. Above conf->size_limit the oldest go earlier. What strangers make
 * us keep, reports of theirs and counts about them, has a tenth of that each, and at most
 * TALLY_KEEP_DAYS (counts), so that it pushes out nothing else. What is old is so at believed_us
 * (base/witness.h), what goes for want of room is chosen at now_us. Within a transaction
 * of its own. Returns how many rows went; as long as it is not 0 there may be more to do.
 */
int journal_store_sweep(struct journal_store *store, const struct conf_journal *conf,
                        int64_t now_us, int64_t believed_us, struct err *err);

#endif
