/*
 * ledger_db: the open database environment, shared by the files of the ledger.
 *
 *   messages.db   digest (8 bytes, big-endian) → struct message_record, features
 *   tokens.db     feature (8 bytes, big-endian) → struct token_record
 *   totals.db     "totals" → struct totals_record
 *
 * Keys are big-endian so that their order in the tree is that of the numbers and a sorted batch
 * walks the tree from left to right. Records are in the machine's byte order.
 */
#ifndef POTERNE_BAYES_LEDGER_DB_H
#define POTERNE_BAYES_LEDGER_DB_H

#include <db.h>
#include <endian.h>
#include <limits.h>

#include "bayes/ledger.h"

#define LEDGER_VERSION 1u

struct message_record {
    uint32_t class;
    uint32_t n;      /* features behind the record */
    int64_t learned; /* seconds since 1970 */
};

struct token_record {
    uint32_t spam;
    uint32_t ham;
    uint32_t day;
};

struct totals_record {
    uint32_t version;
    uint32_t changed; /* since the last publication */
    struct ledger_totals totals;
};

struct ledger {
    char folder[PATH_MAX];
    int lock_fd;
    DB_ENV *env;
    DB *messages;
    DB *tokens;
    DB *totals_db;
    struct ledger_totals totals;
    struct ledger_policy policy;
    bool changed;                  /* since the last publication */
    bool broken;                   /* the environment has panicked: only closing is left */
    int panic;                     /* what made the environment panic; 0: nothing yet */
    char detail[ERR_TEXT_MAX / 2]; /* what Berkeley DB said last */
};

/* FOLDER/name; -1 when it does not fit */
int ledger_path(const char *folder, const char *name, char *out, size_t size, struct err *err);

/* Fills err with what was tried and what the database answered; returns -1. */
int ledger_db_err(struct ledger *ledger, int code, const char *tried, struct err *err);

/* The same for records that contradict each other although their pages are whole. */
int ledger_contradiction(struct ledger *ledger, const char *what, struct err *err);

int ledger_totals_put(struct ledger *ledger, DB_TXN *txn, const struct ledger_totals *totals,
                      bool changed, struct err *err);

/* Fills an empty ledger with the counts of the current model if there is one, and writes the
 * first totals record. */
int ledger_seed(struct ledger *ledger, DB_TXN *txn, struct err *err);

static inline DBT dbt_of(const void *data, size_t size)
{
    return (DBT){.data = (void *)(uintptr_t)data, .size = (u_int32_t)size};
}

/* A DBT that takes an answer of at most `size` bytes into memory of the caller's. */
static inline DBT dbt_into(void *data, size_t size)
{
    return (DBT){.data = data, .ulen = (u_int32_t)size, .flags = DB_DBT_USERMEM};
}

#endif
