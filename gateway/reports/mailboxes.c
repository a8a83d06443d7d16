#include "gateway/reports/mailboxes.h"

#include "base/log.h"
#include "journal/query.h"

_Static_assert(MAILBOX_LINES_MAX > JOURNAL_COUNTS_MAX, "one line more says how many others");

static size_t tell(const struct journal_mailboxes *m, struct pool *pool, struct str *lines)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        lines[n] = pool_strf(pool, "%.*s: %llu turned away", STR_ARG(m->list[i].what),
                             (unsigned long long)m->list[i].n);
        n += lines[n].s != NULL;
    }
    if (m->all > m->n) {
        lines[n] = pool_strf(pool, "and %llu others", (unsigned long long)(m->all - m->n));
        n += lines[n].s != NULL;
    }
    return n;
}

size_t mailbox_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                     struct str lines[MAILBOX_LINES_MAX])
{
    struct journal_mailboxes mailboxes;
    struct err err;
    struct journal *journal = journal_open_state(conf->state_dir, &err);
    size_t n = 0;
    if (journal && journal_full_mailboxes(journal, since_us, pool, &mailboxes, &err) == 0)
        n = tell(&mailboxes, pool, lines);
    else
        log_warning("%s; the digest says nothing of full mailboxes", err.text);
    journal_close(&journal);
    return n;
}
