/*
 * store_open: an open store, for the store*.c files, reporter.c and digest*.c.
 */
#ifndef POTERNE_REPORTS_STORE_OPEN_H
#define POTERNE_REPORTS_STORE_OPEN_H

#include <limits.h>
#include <sqlite3.h>
#include <sys/types.h>

#include "journal/db.h"
#include "reports/store.h"

#define STORE_NAME_SIZE 40 /* of a file: a number and what kind it is */
#define STORE_MODE      0640

#define STORE_DAMAGED_DIR "damaged"

#define STORE_FACTS    "facts"
#define STORE_ORIGINAL "eml"
#define STORE_NEW      "new" /* facts being written */

struct proposals {
    char folder[PATH_MAX];
    char files[PATH_MAX]; /* FOLDER/proposals */
    char index[PATH_MAX];
    bool gives; /* root works here for somebody else: what is made belongs to the folder's owner */
    uid_t owner;
    gid_t group;
    int files_fd; /* that folder */
    int lock_fd;  /* -1: only to look */
    bool locked;
    bool stale;   /* the index may lack what the files say */
    bool damaged; /* … and is to be made anew */
    ino_t index_inode;
    sqlite3 *db;
    struct pool *pool; /* of one proposal */
    struct buf bytes;  /* of one file */
};

/* --- one change (store.c) --- */

/* The lock, and a transaction of the index, which is made whole first if need be. */
int store_begin(struct proposals *store, struct err *err);
/* Ends it; with `keep` false, or on failure, the index is brought in line with the files by the
 * next change. Returns `keep` as 0 or -1. */
int store_end(struct proposals *store, bool keep, struct err *err);

/* --- files (store_files.c) --- */

/* A file that was just made: so that the folder's owner can write it. */
int store_give(const struct proposals *store, int fd, const char *path, struct err *err);

void store_name(uint64_t number, const char *kind, char out[STORE_NAME_SIZE]);
/* The number of a file of that kind; 0: it is none. */
uint64_t store_number(const char *name, const char *kind);
bool store_has(const struct proposals *store, uint64_t number, const char *kind);
/* 1; 0 not there; -1: unreadable or, with *damaged, damaged. */
int store_facts(struct proposals *store, uint64_t number, struct pool *pool,
                struct proposal *proposal, bool *damaged, struct err *err);
/* Durable once the facts are. */
int store_original_write(struct proposals *store, uint64_t number, struct str original,
                         struct err *err);
int store_original_drop(struct proposals *store, uint64_t number, struct err *err);
/* Facts written beside; they count from store_facts_commit() on, which makes all durable at once.
 */
int store_facts_stage(struct proposals *store, const struct proposal *proposal, struct err *err);
int store_facts_commit(struct proposals *store, const uint64_t *numbers, size_t n, struct err *err);
/* Facts and original are gone. */
int store_files_drop(struct proposals *store, uint64_t number, struct err *err);
/* Facts and original into FOLDER/damaged. */
int store_files_aside(struct proposals *store, uint64_t number, struct err *err);

/* --- deciding (store_choose.c, store_decide.c): between store_begin() and store_end() --- */

/* Numbers from a statement of one column, *numbers to be freed; finalizes. */
int store_numbers(struct proposals *store, sqlite3_stmt *stmt, uint64_t **numbers, size_t *n,
                  struct err *err);
/* What a choice means now, rising; *numbers to be freed. */
int store_choose(struct proposals *store, const struct proposal_choice *choice, bool accept,
                 uint64_t **numbers, size_t *n, struct err *err);
/* Adds to *decided. `ordered`: the decision was made before now, and what was decided after it
 * stands. */
int store_decide(struct proposals *store, const uint64_t *numbers, size_t n,
                 const struct proposal_decision *decision, bool ordered,
                 struct proposal_decided *decided, struct err *err);

/* --- index (store_index.c) --- */

/* Opens FOLDER/index.sqlite; for who holds the lock, a damaged one is removed and a new one begun.
 */
int store_index_open(struct proposals *store, struct err *err);
/* With the lock held: opens it again where it was found damaged, or is not the file any more that
 * was opened. */
int store_index_check(struct proposals *store, struct err *err);
/* err from SQLite; what it finds damaged is made anew by the next change. Returns -1. */
int store_index_fail(struct proposals *store, const char *what, struct err *err);
sqlite3_stmt *store_prepare(struct proposals *store, const char *sql, struct err *err);
/* Runs a statement without rows and finalizes it. */
int store_run(struct proposals *store, sqlite3_stmt *stmt, struct err *err);
/* The number of the first row, 0 without one; finalizes. */
int store_get_number(struct proposals *store, sqlite3_stmt *stmt, int64_t *number, struct err *err);
int store_index_put(struct proposals *store, const struct proposal *proposal, struct err *err);
int store_index_drop(struct proposals *store, uint64_t number, struct err *err);
/* Makes the index what the files say. */
int store_index_renew(struct proposals *store, struct err *err);

/* What a row of these columns says; texts in pool. */
#define STORE_COLUMNS                                                                              \
    "number, digest, campaign, direction, identity, id, subject, sender, verdict, global,"         \
    " heuristics, bayes, size, kept, state, changed_us, decider, decided_us, why, reporter,"       \
    " time_us, reporters"
#define STORE_N_COLUMNS 22
/* -1: out of memory */
int store_row(sqlite3_stmt *stmt, struct pool *pool, struct proposal *proposal, struct err *err);

/* Each reporter's record (reporter.c), as a table to join with: reporter, proposals, waiting,
 * agreed, rejected, last_us, trust, trust_at_most. */
extern const char reporter_records[];
int reporter_functions(sqlite3 *db);

#endif
