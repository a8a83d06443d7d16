/*
 * names: what lies in one folder of a spool, by its names: ids, maybe with something behind them
 * (a file that was set aside twice is ID.1, one that 250 was not said to ID.unsaid). Any other name
 * is nobody's. A list is no proof: a message may move from folder to folder while both are read.
 */
#ifndef POTERNE_SPOOL_NAMES_H
#define POTERNE_SPOOL_NAMES_H

#include "spool/spool.h"

enum spool_suffix {
    SPOOL_SUFFIX_NONE,
    SPOOL_SUFFIX_NUMBER, /* .1, or none */
    SPOOL_SUFFIX_UNSAID,
    SPOOL_SUFFIX_ANY
};

typedef char spool_name[SPOOL_ID_LEN + 1];

struct spool_names {
    spool_name *ids; /* by rising id */
    size_t n, cap;
};

/* Each id as it comes, without what is behind it; it lives during the call. folder: its descriptor,
 * whose position is not touched; path: its name in err. each() ends it with anything but 0, which
 * is returned. -1: err. */
int spool_names_each(int folder, const char *path, enum spool_suffix suffix,
                     int (*each)(void *data, struct str id), void *data, struct err *err);

/* Adds those from `from` up to `before` (the beginnings of ids will do; empty: all) to names, which
 * are the caller's whatever is returned. 0: all of them, sorted; 1: there are more than `max`; -1.
 */
int spool_names_read(struct spool_names *names, int folder, const char *path,
                     enum spool_suffix suffix, struct str from, struct str before, size_t max,
                     struct err *err);
void spool_names_free(struct spool_names *names);

#endif
