/*
 * times: dates as SpamAssassin 4.0.1 understands them (parse_rfc822_date of Util.pm: what is out of
 * its range is put right, not refused) and those of a message's header (HeaderEval.pm).
 */
#ifndef POTERNE_RULES_TIMES_H
#define POTERNE_RULES_TIMES_H

#include "rules/facts/facts.h"

#define TIMES_TEXT_MAX 1000 /* bytes of a date; a longer one is none */

/* Seconds since 1970; false when there is no day, month and year in it. */
bool times_parse(struct str text, int64_t *seconds);

struct times {
    bool has_date;
    int64_t date;      /* Resent-Date, else Date */
    int64_t *received; /* of each Received that has one, the newest first */
    size_t n_received;
    bool has_fetched;
    int64_t fetched;    /* when fetchmail took it out of its mailbox */
    int64_t difference; /* Date less the Received that is nearest to it; 0: one is missing */
};

/* NULL: the pool is used up. */
const struct times *facts_times(struct facts *facts);

#endif
