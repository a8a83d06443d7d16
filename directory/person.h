/*
 * person: what a source knows of an address beside that it is there: whose it is, whether the
 * account takes mail, how full the mailbox is. Texts belong to whoever filled it in.
 *
 * Its bytes (in tables, in the cache on disk, and between processes) are those of person_put();
 * whatever they say is checked when they are read.
 */
#ifndef POTERNE_DIRECTORY_PERSON_H
#define POTERNE_DIRECTORY_PERSON_H

#include "base/wire.h"

/* Bytes of a list of addresses; the rest is left out, and PERSON_CUT says so. */
#define PERSON_LIST_MAX  2048
#define PERSON_BYTES_MAX (2 * PERSON_LIST_MAX + 1024)

enum person_flag {
    PERSON_ALIAS = 1 << 0,    /* it was asked for by another name than its official one */
    PERSON_DISABLED = 1 << 1, /* takes no mail */
    PERSON_GROUP = 1 << 2,
    PERSON_CLOSED = 1 << 3,  /* a group that only its writers may write to */
    PERSON_REWRITE = 1 << 4, /* what comes to an alias goes to the official address */
    PERSON_CUT = 1 << 5,     /* a list was longer than PERSON_LIST_MAX */
    PERSON_KEEP = 1 << 6,    /* the mailbox keeps a copy of what is redirected, */
    PERSON_NO_KEEP = 1 << 7, /* … or does not; neither: as the domain's redirect_keep says */
};
#define PERSON_FLAGS_ALL 255U

struct person {
    struct str address; /* the official one, in the form of address.h; empty: the one asked for */
    unsigned flags;     /* enum person_flag */
    uint32_t members;   /* of a group */
    uint64_t quota_used, quota_limit; /* bytes; limit 0: not told */
    struct str redirect;              /* in that of address_written(); empty: none */
    struct str identities;            /* addresses it may send from, a blank between two */
    struct str writers;               /* addresses that may write to the group, likewise */
};

/* Nothing but the address is known. */
bool person_is_plain(const struct person *person);
void person_put(struct buf *out, const struct person *person);
/* Texts point into `bytes`. False: damaged. */
bool person_get(struct str bytes, struct person *person);
/* Is the address one of a list? Both in the form of address.h. */
bool person_lists(struct str list, struct str address);

static inline bool person_is_full(const struct person *person)
{
    return person->quota_limit > 0 && person->quota_used >= person->quota_limit;
}

#endif
