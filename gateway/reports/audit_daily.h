/*
 * audit_daily: poterne audit (audit/audit.h), once a day by itself, in a process of its own that
 * may read the journal and the spool's folders and can write nothing; what it found goes into the
 * log (audit_named.h), and how it ended is told to the journal (table `audit`), where the digest
 * and `poterne metrics` find it.
 *
 * It is reports that does it, since it has a clock, writes to the managers, and starts processes
 * for one piece of work in sandboxes of their own already. In the hour before the digest, so that
 * it stands there; soon after a start where there was none for a day.
 */
#ifndef POTERNE_GATEWAY_REPORTS_AUDIT_DAILY_H
#define POTERNE_GATEWAY_REPORTS_AUDIT_DAILY_H

#include "base/conf.h"
#include "base/pool.h"
#include "gateway/reports/audit_named.h"
#include "gateway/reports/reader.h"

#define AUDIT_FIRST_SECONDS 5     /* from the start to one that is overdue */
#define AUDIT_AGAIN_SECONDS 3600  /* to the next one where it could not be done */
#define AUDIT_SECONDS_MAX   14400 /* that it may take */
#define AUDIT_LINES_MAX     (AUDIT_NAMED_MAX + 2)

struct audit_daily {
    struct reader reader;
    bool running;
    int64_t at_us;      /* since 1970; 0: never */
    int64_t started_us; /* the process, or when it began anew since the clock was set back */
};

void audit_daily_start(struct audit_daily *daily, const struct conf *conf, int64_t now_us);
/* Once a second. */
void audit_daily_tick(struct audit_daily *daily, const struct conf *conf, int64_t now_us);
void audit_daily_stop(struct audit_daily *daily);

/* What the digest says: nothing, where the last one was within two days and found nothing, or where
 * there is none and the process is younger than a day. */
size_t audit_lines(const struct audit_daily *daily, const struct conf *conf, int64_t now_us,
                   struct pool *pool, struct str lines[AUDIT_LINES_MAX]);

#endif
