/*
 * table: addresses in memory: all texts in one block, found over an open hash table of offsets.
 * About 60 bytes an address. Filled once, then only read. Keys come from address_normal().
 */
#ifndef POTERNE_DIRECTORY_TABLE_H
#define POTERNE_DIRECTORY_TABLE_H

#include "base/str.h"

struct table;

struct table_entry {
    struct str address;
    struct str target; /* of an alias; empty: an address of its own */
    unsigned line;
};

struct table *table_new(void);
void table_free(struct table **table);
/* 1 added; 0 it is there already (*old is that one); -1 out of memory or of the 4 GiB of texts. */
int table_add(struct table *table, const struct table_entry *entry, struct table_entry *old);
bool table_find(const struct table *table, struct str address, struct table_entry *entry);
size_t table_count(const struct table *table);
size_t table_bytes(const struct table *table);

#endif
