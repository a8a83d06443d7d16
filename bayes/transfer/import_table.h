/* import_table: counts by hash, while an import collects them; several tokens may add to one. */
#ifndef POTERNE_BAYES_TRANSFER_IMPORT_TABLE_H
#define POTERNE_BAYES_TRANSFER_IMPORT_TABLE_H

#include "base/err.h"
#include "bayes/model/model.h"
#include "bayes/transfer/import.h"
#include "bayes/transfer/lines.h"

struct import_entry {
    uint64_t hash;
    struct model_counts counts; /* both 0: a free slot */
    uint32_t day;
};

struct import_table {
    struct import_entry *slots;
    size_t cap; /* a power of two */
    size_t n;
};

void import_table_free(struct import_table *table);
/* Counts that would not fit stay at their most. */
int import_table_add(struct import_table *table, uint64_t hash, struct model_counts counts,
                     uint32_t day, struct err *err);
/* As portable text; counts above the totals become those. */
int import_table_write(const struct import_table *table, int fd, const char *path, uint64_t spam,
                       uint64_t ham, struct err *err);

/* An import under way. */
struct import {
    struct lines lines;
    struct import_table table;
    struct import_words *words;
    struct pool *pool; /* of one token */
    struct import_summary summary;
};

/* All lines after the first, which said what it is. */
int import_bogofilter(struct import *import, struct str first, struct err *err);
int import_spamassassin(struct import *import, struct str first, struct err *err);

#endif
