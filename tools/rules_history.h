/*
 * rules_history: how often rules hit in the last days, as the journal keeps it.
 */
#ifndef POTERNE_TOOLS_RULES_HISTORY_H
#define POTERNE_TOOLS_RULES_HISTORY_H

#include "base/conf.h"
#include "base/err.h"
#include "base/str.h"

#define RULES_HISTORY_DAYS 7

struct rules_history_day {
    int64_t from_us; /* local midnight */
    size_t messages; /* whose evidence names rules */
    size_t hits;
    size_t spam; /* hits in what was judged spam */
};

struct rules_history {
    struct rules_history_day days[RULES_HISTORY_DAYS]; /* [0] is today */
    bool cut; /* there were more messages than are looked through: the oldest are left out */
};

/* -1 with err: the journal is not there or can't be read. */
int rules_history_read(const struct conf *conf, struct str rule, struct rules_history *history,
                       struct err *err);

#endif
