/*
 * resting: the ids of what a person holds in the queue (orders.h). Such a message is no job: it
 * has no legs, is in no line, and is read again when somebody says something about it. That its id
 * is here keeps the sweeps from reading it.
 *
 * Beside the id stands a number of the account that sent it, so that those of one can be found.
 * 24 bytes each, in a table that is at most half full: 50 MB for RESTING_MAX.
 */
#ifndef POTERNE_GATEWAY_DELIVERY_RESTING_H
#define POTERNE_GATEWAY_DELIVERY_RESTING_H

#include "spool/spool.h"

#define RESTING_MAX ((size_t)1000000)

struct resting_entry {
    unsigned char id[16]; /* zeros: free */
    uint64_t account;
};

/* Zeros: none. */
struct resting {
    struct resting_entry *slots;
    size_t n_slots; /* power of two */
    size_t n;
};

/* The id is a valid one. False: there are RESTING_MAX, or there is no memory. */
bool resting_put(struct resting *resting, struct str id, uint64_t account);
bool resting_has(const struct resting *resting, struct str id);
/* It need not be there. */
void resting_drop(struct resting *resting, struct str id);
/* Of that account: how many of them there are in `ids`, at most `max`. */
size_t resting_of(const struct resting *resting, uint64_t account, char (*ids)[SPOOL_ID_LEN + 1],
                  size_t max);
void resting_free(struct resting *resting);

#endif
