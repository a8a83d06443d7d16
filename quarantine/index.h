/*
 * index: what the files of quarantine/ say, in SQLite beside them, so that a hundred thousand can
 * be searched at once. It holds nothing that the files don't: lost or damaged, it is made anew.
 *
 * The delivery process alone writes it, some time after it has changed the files: whoever reads
 * (quarantine/find.h) compares with the folder and reads the rest from the files.
 */
#ifndef POTERNE_QUARANTINE_INDEX_H
#define POTERNE_QUARANTINE_INDEX_H

#include "quarantine/held.h"

#define INDEX_BATCH 1000 /* changes before they are committed without being asked to */

struct held_index;

/* folder: STATE_DIR/quarantine. A damaged index, or one of another version, is removed and a new
 * one begun. */
struct held_index *held_index_open(const char *folder, struct err *err);
/* Commits what is open. */
void held_index_close(struct held_index **index);

/*
 * After -1 the change is not in the index, nor perhaps others since the last commit; if it was
 * found damaged, a new empty one was begun. held_index_lacks() then says that the files are to be
 * looked through again.
 */
int held_index_put(struct held_index *index, const struct held *held, struct err *err);
int held_index_drop(struct held_index *index, struct str id, struct err *err);
/* Other processes see it from here on. */
int held_index_commit(struct held_index *index, struct err *err);
/* Gives back the pages that SQLite keeps in memory, up to 16 MiB; what is open stays open. */
void held_index_rest(struct held_index *index);

/* The row of that id was made when the file had that many bytes, and the journal knows of it. */
bool held_index_knows(struct held_index *index, struct str id, uint64_t file_size);
/* True once after rows were lost, and for a new index. */
bool held_index_lacks(struct held_index *index);

/* Rows whose message is not among these ids (sorted) and of which `gone` says so too are dropped.
 * How many, or -1. */
int held_index_forget(struct held_index *index, const char (*ids)[SPOOL_ID_LEN + 1], size_t n,
                      bool (*gone)(void *data, const char *id), void *data, struct err *err);

/* Ids of that class that are held since before `before_us`, oldest first, at most n behind the
 * first `skip`; how many, or -1. */
int held_index_before(struct held_index *index, enum held_class class, int64_t before_us,
                      unsigned skip, char (*ids)[SPOOL_ID_LEN + 1], size_t n, struct err *err);

#endif
