/*
 * shares: how many reports of a day go to whom. Anybody can publish records for any number of
 * names, and send a message from each: what is sent because of that is bounded, for each host that
 * the addresses are at and for all.
 */
#ifndef POTERNE_TALLY_SHARES_H
#define POTERNE_TALLY_SHARES_H

#include "tally/sent.h"

#define SHARES_HOST_MAX 100   /* reports to one host; of a day and kind, as below */
#define SHARES_ALL_MAX  10000 /* … to all */

struct share {
    struct str host;
    size_t n;
};

struct shares {
    struct pool *pool; /* whose texts and array these are */
    struct share *list;
    size_t n, cap, all;
};

/* Counts what a book says was sent. -1: out of memory. */
int shares_read(struct shares *shares, const struct sent_book *book, struct pool *pool,
                struct err *err);
bool shares_full(const struct shares *shares, struct err *why);
/* One more to that host (in normal form); false: it may not be, and why. */
bool shares_take(struct shares *shares, struct str host, struct err *why);

#endif
