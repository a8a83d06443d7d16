/*
 * find: searching what is held, newest first. Asks the index (quarantine/index.h), and the files
 * for what the index does not have yet or has otherwise than they say; without an index, or with a
 * damaged one, all of it is read from the files, which is slow and right.
 */
#ifndef POTERNE_QUARANTINE_FIND_H
#define POTERNE_QUARANTINE_FIND_H

#include "quarantine/held.h"

#define FIND_LIMIT_MAX   100000
#define FIND_PATTERN_MAX 1000 /* bytes of a text to look for */

/* All that is given must hold. Texts: empty is anything; case does not count (of ASCII letters). */
struct held_filter {
    int64_t from_us, to_us; /* received from … until before; to_us 0: no end */
    /* An address wholly; where the text has a *, that stands for anything. */
    struct str sender, recipient;
    struct str reason; /* part of the reason */
    struct str virus;  /* part of what an engine found or complained of */
    struct str engine; /* one that said something else than clean */
    unsigned classes;  /* bits 1 << enum held_class; 0: all */
    /* Not NULL: held since before this time, for each class; 0: never that early */
    const int64_t *held_before_us;
    size_t limit; /* 0, or more than FIND_LIMIT_MAX, is that */
};

struct held_list {
    struct held **list; /* in the pool */
    size_t n;
    bool more;
};

struct held_finder;

/* Compares index and folder. `damaged`, which may be NULL, is told of each file that can't be read;
 * it stays where it is. state_dir is the folder that the spool was opened with. */
struct held_finder *held_finder_open(struct spool *spool, const char *state_dir,
                                     void (*damaged)(void *data, const char *id, const char *why),
                                     void *data, struct err *err);
void held_finder_close(struct held_finder **finder);
/* Messages that the files had to be read for. */
size_t held_finder_late(const struct held_finder *finder);

int held_find(struct held_finder *finder, const struct held_filter *filter, struct pool *pool,
              struct held_list *found, struct err *err);
/* How many are held, by class. */
int held_count(struct held_finder *finder, uint64_t counts[HELD_CLASSES], struct err *err);

#endif
