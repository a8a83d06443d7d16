/*
 * find_open: an open search, for the find*.c files.
 */
#ifndef POTERNE_QUARANTINE_FIND_OPEN_H
#define POTERNE_QUARANTINE_FIND_OPEN_H

#include "quarantine/find.h"
#include "quarantine/rows.h"

/* main: the index as it stands, or empty tables in memory; temp: what it lacks, and the ids of
 * which it says something that is no longer so. */
enum place { PLACE_INDEX, PLACE_LATE, PLACES };

struct held_finder {
    struct spool *spool;
    const char *state_dir;
    void (*damaged)(void *data, const char *id, const char *why);
    void *data;
    sqlite3 *db;
    bool from_file; /* main is the index */
    bool index_damaged;
    struct rows late;
    sqlite3_stmt *hide;
    sqlite3_stmt *recipients[PLACES], *answers[PLACES];
    struct pool *peek;
    size_t n_late;
    /* while it compares */
    sqlite3_stmt *indexed; /* its row is the next one of the index */
    bool at_row;
};

/* Opens the index, or does without it, and reads from the files what it lacks. */
int find_begin(struct held_finder *finder, bool from_file, struct err *err);
void find_end(struct held_finder *finder);

#endif
