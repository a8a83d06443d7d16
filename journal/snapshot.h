/*
 * snapshot: the journal as it was at one moment, copied while it is written to (SQLite's online
 * backup). The writer is not kept waiting; its log grows until the copy is done.
 */
#ifndef POTERNE_JOURNAL_SNAPSHOT_H
#define POTERNE_JOURNAL_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"

struct journal_snapshot;

/* 1: the copy is at path, one plain file, not yet durable, and open for questions. 0: there is no
 * journal. -1: err, also of one that a later version wrote. */
int journal_snapshot(const char *state_dir, const char *path, struct journal_snapshot **snapshot,
                     struct err *err);
void journal_snapshot_close(struct journal_snapshot **snapshot);

/* 1: as far as the copy knows something of the message is still to be done, or it has not heard of
 * each recipient that was accepted; 0: each of them has a final outcome; -1. Of a message whose
 * acceptance it does not know (mail of our own, a journal before schema 5) it can't tell how many
 * there are: one is enough. */
int journal_snapshot_open(struct journal_snapshot *snapshot, struct str id, struct err *err);

#endif
