#include "gateway/reports/mailboxes.h"

#include "base/log.h"
#include "journal/query.h"

_Static_assert(MAILBOX_LINES_MAX > JOURNAL_COUNTS_MAX, "one line more says how many others");

static size_t tell(const struct journal_mailboxes *m, const char *what, struct pool *pool,
                   struct str *lines)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++) {
        struct str why = m->list[i].who.n ? m->list[i].who : str_of(what);
        lines[n] = pool_strf(pool, "%.*s: %llu %.*s", STR_ARG(m->list[i].what),
                             (unsigned long long)m->list[i].n, STR_ARG(why));
        n += lines[n].s != NULL;
    }
    if (m->all > m->n) {
        lines[n] = pool_strf(pool, "and %llu others", (unsigned long long)(m->all - m->n));
        n += lines[n].s != NULL;
    }
    return n;
}

/* One of the journal's questions about mailboxes. */
typedef int question(struct journal *journal, int64_t since_us, struct pool *pool,
                     struct journal_mailboxes *mailboxes, struct err *err);

static size_t ask(const struct conf *conf, question *asked, const char *what, int64_t since_us,
                  struct pool *pool, struct str *lines)
{
    struct journal_mailboxes mailboxes;
    struct err err;
    struct journal *journal = journal_open_state(conf->state_dir, &err);
    size_t n = 0;
    if (journal && asked(journal, since_us, pool, &mailboxes, &err) == 0)
        n = tell(&mailboxes, what, pool, lines);
    else
        log_warning("%s; the digest says nothing of mailboxes (%s)", err.text, what);
    journal_close(&journal);
    return n;
}

size_t mailbox_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                     struct str lines[MAILBOX_LINES_MAX])
{
    return ask(conf, journal_full_mailboxes, "turned away", since_us, pool, lines);
}

size_t redirection_lines(const struct conf *conf, int64_t since_us, struct pool *pool,
                         struct str lines[MAILBOX_LINES_MAX])
{
    return ask(conf, journal_redirections, "not redirected", since_us, pool, lines);
}
