/*
 * time_id: ids of messages are ULIDs (spool/spool.h): their first ten characters are the time in
 * milliseconds, so that their order is the order of time.
 */
#ifndef POTERNE_JOURNAL_TIME_ID_H
#define POTERNE_JOURNAL_TIME_ID_H

#include "base/str.h"

#define TIME_ID_SIZE 11

/* What every id made at that time or later is not less than. */
struct str time_id(int64_t time_us, char out[TIME_ID_SIZE]);

#endif
