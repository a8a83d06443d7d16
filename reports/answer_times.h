/*
 * answer_times: to whom an answer was sent within the last hour: a table of a fixed size, kept in
 * one small file (STATE_DIR/reports/answers). Addresses stand in it as hashes, the same one however
 * it is written. When it is full of younger entries, nobody else is answered until some are old.
 */
#ifndef POTERNE_REPORTS_ANSWER_TIMES_H
#define POTERNE_REPORTS_ANSWER_TIMES_H

#include "base/buf.h"
#include "base/err.h"

#define ANSWER_PAUSE     3600 /* seconds between two answers to one address */
#define ANSWER_TIMES_MAX 4096 /* addresses within the pause */

struct answer_time {
    uint64_t address; /* hash of it in lower case */
    int64_t time;     /* seconds since 1970 */
};

struct answer_times {
    size_t n;
    struct answer_time list[ANSWER_TIMES_MAX];
};

/* A file that is not there makes an empty table; a damaged one is an error (err says so) and makes
 * one that answers nobody for an hour from `now` on. */
int answer_times_read(const char *path, int64_t now, struct answer_times *times, struct err *err);
/* Durable when it returns 0. */
int answer_times_write(const char *path, const struct answer_times *times, struct err *err);

/* false: within the pause, or there is no room to remember the address. A clock that went back
 * counts as within the pause, but for an entry more than a pause ahead of it. */
bool answer_times_allow(const struct answer_times *times, struct str address, int64_t now);
void answer_times_note(struct answer_times *times, struct str address, int64_t now);

#endif
