/*
 * mapped: a table of a fixed size in a file of STATE_DIR/gate, mapped by all who read or write it,
 * so that it outlives processes, also one that is killed, and is shared by two generations of edge.
 * Not what a machine that loses its power had written in the last half minute.
 */
#ifndef POTERNE_GATEWAY_GATE_MAPPED_H
#define POTERNE_GATEWAY_GATE_MAPPED_H

#include "base/err.h"
#include "base/str.h"

#define MAPPED_GROUP       32 /* a table has a multiple of so many entries */
#define MAPPED_ENTRIES_MAX ((size_t)1 << 22)

struct mapped_head;
struct mapped {
    struct mapped_head *head; /* NULL: closed */
    void *list;               /* the entries, all zeros where nothing was written */
    size_t bytes;             /* that are mapped */
    size_t entries;
    uint64_t seed; /* random: a key's place can't be foreseen */
    int fd;        /* -1: in memory alone */
};

/* Opens NAME, and makes it where it is not there or is another one's. One that can't be had as a
 * file is held in memory alone, which is logged. -1: out of memory. */
int mapped_open(struct mapped *map, const char *state_dir, const char *name, size_t entry_size,
                size_t entries, struct err *err);
/* As it stands; -1 with err set and errno ENOENT where there is none. */
int mapped_existing(struct mapped *map, const char *state_dir, const char *name, size_t entry_size,
                    struct err *err);
void mapped_close(struct mapped *map);

/* Where a key of 16 bytes stands: below `places`. Another `choice`, from 0, is another place that
 * nothing ties to the first. */
size_t mapped_place(const struct mapped *map, const unsigned char key[16], unsigned choice,
                    size_t places);

/* Alone among all processes; false: somebody has held it for MAPPED_LOCK_MS. A process that is
 * killed holds nothing any more. Not for two threads of one process. */
#define MAPPED_LOCK_MS 50
bool mapped_lock(struct mapped *map);
void mapped_unlock(struct mapped *map);

#endif
