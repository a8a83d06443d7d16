/*
 * table: addresses in memory: all texts in one block, found over an open hash table of offsets.
 * About 65 bytes an address. Filled once, then only read. Keys come from address_normal().
 */
#ifndef POTERNE_DIRECTORY_TABLE_H
#define POTERNE_DIRECTORY_TABLE_H

#include "base/buf.h"

struct table;

struct table_entry {
    struct str address;
    struct str target; /* of an alias; empty: an address of its own */
    struct str more;   /* what its maker likes to keep with it */
    unsigned line;
};

struct table *table_new(void);
void table_free(struct table **table);
/* 1 added; 0 it is there already (*old is that one); -1 out of memory or of the 4 GiB of texts. */
int table_add(struct table *table, const struct table_entry *entry, struct table_entry *old);
bool table_find(const struct table *table, struct str address, struct table_entry *entry);
/* From the first (*at 0) to the last, in the order in which they were added; false: no more. */
bool table_next(const struct table *table, size_t *at, struct table_entry *entry);
/* Adds whom only the other one has. -1: as table_add() */
int table_add_missing(struct table *table, const struct table *other);
size_t table_count(const struct table *table);
size_t table_bytes(const struct table *table);
/* Gives back what was kept for more addresses. */
void table_trim(struct table *table);
/* All that is in it, to be written down; table_of() makes a table of it again. */
struct str table_texts(const struct table *table);
/* Takes the texts, whether or not it fails. NULL: damaged, or out of memory. */
struct table *table_of(struct buf *texts);

#endif
