/*
 * queue_count: messages of the queue counted under what they have in common, and by age. Pure.
 */
#ifndef POTERNE_TOOLS_QUEUE_COUNT_H
#define POTERNE_TOOLS_QUEUE_COUNT_H

#include "base/pool.h"
#include "base/siphash.h"
#include "tools/spool_view.h"

#define COUNT_AGES    10
#define COUNT_KEY_MAX 200 /* bytes of a key; more is cut off */

/* Minutes: the age of the oldest that belongs there; the last has no end. */
extern const unsigned count_ages[COUNT_AGES - 1];

struct count_row {
    struct str key;
    size_t n; /* messages */
    uint64_t bytes;
    size_t of_age[COUNT_AGES];
    size_t of_state[QUEUE_STATES];
    uint64_t last; /* number of the message that was counted last */
};

/* Rows under a few hundred thousand different keys; the texts of the keys are copied to the pool.
 */
struct count_table {
    struct pool *pool;
    unsigned char key[SIPHASH_KEY_SIZE]; /* by chance: what is counted comes from mail */
    struct count_row *rows;              /* in the order in which they came, until count_sort() */
    size_t n, room;
    uint32_t *slots; /* row + 1; 0: free */
    size_t n_slots;  /* power of two */
    struct count_row total;
    uint64_t number; /* of the message being counted */
};

struct count_message {
    uint64_t bytes;
    int64_t age_us; /* below 0, since a clock was set: 0 */
    enum queue_state state;
};

/* The next message, which is counted in the total. */
void count_message(struct count_table *table, const struct count_message *message);
/* … and under that key, once for each message. False: out of memory. */
bool count_under(struct count_table *table, struct str key, const struct count_message *message);
/* Most messages first. No more keys can be added then. */
void count_sort(struct count_table *table);
void count_free(struct count_table *table);

#endif
