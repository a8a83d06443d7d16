#include "reports/digest.h"

#include <time.h>

#include "mail/plain.h"
#include "reports/digest_record.h"
#include "reports/reporter.h"
#include "reports/store_open.h"

#define POOL_MAX        ((size_t)64 * 1024 * 1024)
#define SECOND_US       ((int64_t)1000000)
#define SUBJECT_COLUMNS 66 /* of what is told of a message, beside the margin */
#define ADDRESS_COLUMNS 44
#define MARGIN          "      "
#define REPORTERS_TOLD  5
#define REPORTERS_SEEN  1000
#define NEWS_COLUMNS    74
#define NEWS_FOLDS      5
#define NEWS_TOLD       20
#define DECISIONS_TOLD  5   /* a record of fewer says nothing */
#define GOOD            0.7 /* at least that share was accepted, with 95 % */
#define BAD             0.5 /* at most that share was */
#define DATE_SIZE       32

struct making {
    struct proposals *store;
    const struct digest_news *news;
    int64_t now_us;
    int64_t last_us; /* of the digest before; 0: none */
    struct pool *pool;
    struct proposal_list list;
    struct proposal_totals totals;
    struct digest_record record;
    struct buf *text;
};

static void date_of(int64_t time_us, char out[DATE_SIZE])
{
    time_t seconds = (time_t)(time_us / SECOND_US);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL || strftime(out, DATE_SIZE, "%d %b %H:%M", &tm) == 0)
        out[0] = '\0';
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* --- what waits --- */

static void add_who(struct buf *out, const struct proposal_line *line)
{
    char since[DATE_SIZE];
    date_of(line->lead.reporters[0].time_us, since);
    buf_add(out, STR(MARGIN "by "));
    plain_add_cut(out, line->lead.reporters[0].address, ADDRESS_COLUMNS);
    if (line->reporters > 1)
        buf_addf(out, " and %llu other%s", (unsigned long long)line->reporters - 1,
                 plural(line->reporters - 1));
    buf_addf(out, ", %s\n", since);
}

static void add_verdict(struct buf *out, const struct proposal *p)
{
    buf_add(out, STR(MARGIN));
    if (p->verdict.n) {
        buf_add(out, STR("we said "));
        plain_add_cut(out, p->verdict, 20);
        buf_addf(out, ": %.1f (looks %.1f, learned %.1f); ", p->global, p->heuristics, p->bayes);
    }
    buf_addf(out, "%s\n", identity_kind_name(p->identity));
}

/* The number stands at the beginning of its line, so that no line begins as an answer does. */
static void add_line(struct buf *out, size_t number, const struct proposal_line *line)
{
    const struct proposal *p = &line->lead;
    buf_addf(out, "%4zu  as %s: ", number, proposal_direction_name(p->direction));
    if (line->n > 1)
        buf_addf(out, "%llu near-identical messages of %llu sender%s, such as\n" MARGIN,
                 (unsigned long long)line->n, (unsigned long long)line->senders,
                 plural(line->senders));
    buf_add(out, STR("from "));
    plain_add_cut(out, p->sender.n ? p->sender : STR("<>"), ADDRESS_COLUMNS);
    buf_add(out, STR("\n" MARGIN "\""));
    plain_add_cut(out, p->subject, SUBJECT_COLUMNS);
    buf_add(out, STR("\"\n"));
    add_who(out, line);
    add_verdict(out, p);
    buf_addc(out, '\n');
}

static void add_waiting(struct making *m)
{
    struct buf *out = m->text;
    uint64_t waiting = m->totals.in[PROPOSAL_WAITING];
    size_t shown = m->record.n;
    if (waiting == 0) {
        buf_add(out, STR("No report waits for your word.\n\n"));
        return;
    }
    buf_addf(out, "%llu reported message%s wait%s for your word:\n\n", (unsigned long long)waiting,
             plural(waiting), waiting == 1 ? "s" : "");
    uint64_t told = 0;
    for (size_t i = 0; i < shown; i++) {
        add_line(out, i + 1, &m->list.lines[i]);
        told += m->list.lines[i].n;
    }
    if (waiting > told)
        buf_addf(out, "      and %llu more, which \"poterne reports list\" shows\n\n",
                 (unsigned long long)(waiting - told));
}

/* --- what was, who, and what the guard did --- */

static int add_since(struct making *m, struct err *err)
{
    static const char *const words[] = {"learned", "rejected", "expired", "held back by a cap"};
    uint64_t counts[sizeof words / sizeof words[0]] = {0};
    sqlite3_stmt *stmt = store_prepare(m->store,
                                       "SELECT sum(state = 3), sum(state = 4), sum(state = 5),"
                                       " sum(state = 2) FROM proposal WHERE changed_us > ?1",
                                       err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, m->last_us);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        for (int i = 0; i < 4; i++)
            counts[i] = (uint64_t)sqlite3_column_int64(stmt, i);
    sqlite3_finalize(stmt);
    bool first = true;
    for (size_t i = 0; m->last_us && i < sizeof words / sizeof words[0]; i++) {
        if (counts[i] == 0)
            continue;
        buf_addf(m->text, "%s%llu %s", first ? "Since the last digest: " : ", ",
                 (unsigned long long)counts[i], words[i]);
        first = false;
    }
    if (!first)
        buf_add(m->text, STR(".\n\n"));
    return 0;
}
_Static_assert(PROPOSAL_CAPPED == 2 && PROPOSAL_LEARNED == 3 && PROPOSAL_REJECTED == 4 &&
                   PROPOSAL_EXPIRED == 5,
               "these stand in the SQL above");

/* Those who are mostly right, and those who mostly are not. */
static void add_some_reporters(struct buf *out, const struct reporter_list *all, bool good)
{
    size_t told = 0;
    for (size_t i = 0; i < all->n && told < REPORTERS_TOLD; i++) {
        const struct reporter *r = &all->list[good ? i : all->n - 1 - i];
        uint64_t decided = r->agreed + r->rejected;
        bool fits = good ? r->trust >= GOOD : r->trust_at_most <= BAD;
        if (decided < DECISIONS_TOLD || !fits)
            continue;
        if (told++ == 0)
            buf_addf(out, "%s:\n",
                     good ? "Reporters whom you mostly agreed with"
                          : "Reporters whom you mostly did not agree with");
        buf_add(out, STR(MARGIN));
        plain_add_cut(out, r->address, ADDRESS_COLUMNS);
        buf_addf(out, ": %llu of %llu accepted\n", (unsigned long long)r->agreed,
                 (unsigned long long)decided);
    }
    if (told)
        buf_addc(out, '\n');
}

static int add_reporters(struct making *m, struct err *err)
{
    struct reporter_list all;
    if (reporters_list(m->store, STR_EMPTY, REPORTERS_SEEN, m->pool, &all, err) < 0)
        return -1;
    add_some_reporters(m->text, &all, true);
    add_some_reporters(m->text, &all, false);
    return 0;
}

/* On as many lines as it needs, NEWS_FOLDS at most; no column takes less than a byte. */
static void add_folded(struct buf *out, struct str text)
{
    buf_add(out, STR("  - "));
    for (unsigned i = 1; i < NEWS_FOLDS && text.n > NEWS_COLUMNS; i++) {
        size_t end = str_rchr(str_sub(text, 0, NEWS_COLUMNS), ' ');
        if (end == STR_NONE || end == 0)
            break;
        plain_add_cut(out, str_sub(text, 0, end), NEWS_COLUMNS);
        buf_add(out, STR("\n    "));
        text = str_from(text, end + 1);
    }
    plain_add_cut(out, text, NEWS_COLUMNS);
    buf_addc(out, '\n');
}

static void add_lines(struct making *m, const char *head, const struct str *lines, size_t n)
{
    if (n == 0)
        return;
    buf_addf(m->text, "%s:\n", head);
    for (size_t i = 0; i < n && i < NEWS_TOLD; i++)
        add_folded(m->text, lines[i]);
    if (n > NEWS_TOLD)
        buf_addf(m->text, "  and %zu times more\n", n - NEWS_TOLD);
    buf_addc(m->text, '\n');
}

static void add_news(struct making *m)
{
    const struct digest_news *news = m->news;
    add_lines(m, "Mail that does not add up (poterne audit)", news->audit, news->n_audit);
    add_lines(m, "Frozen accounts (poterne senders thaw ACCOUNT)", news->frozen, news->n_frozen);
    add_lines(m, "What the guard of the learned model did", news->guard, news->n_guard);
    add_lines(m, "Infected mail", news->viruses, news->n_viruses);
    add_lines(m, "Full mailboxes", news->mailboxes, news->n_mailboxes);
    add_lines(m, "Not redirected", news->redirections, news->n_redirections);
    add_lines(m, "Who is a recipient (poterne directory)", news->sources, news->n_sources);
}

/* --- the whole --- */

static void add_head(struct making *m)
{
    /* digest_answer_parse() takes nothing from here on, whoever quotes it however. */
    buf_addf(m->text, "---- [digest %s] answer above this line ----\n\n", m->record.token);
    if (m->record.n == 0)
        return;
    char until[DATE_SIZE];
    date_of(m->now_us + (int64_t)DIGEST_ANSWER_DAYS * 86400 * SECOND_US, until);
    buf_addf(m->text,
             "To decide, answer with lines such as \"accept 3 5-9\", \"reject 4\" or\n"
             "\"accept all\" (or: accepter, refuser, tout); until %s.\n\n",
             until);
}

static int compose(struct making *m, struct buf *subject, struct err *err)
{
    uint64_t waiting = m->totals.in[PROPOSAL_WAITING];
    add_head(m);
    add_waiting(m);
    if (add_since(m, err) < 0 || add_reporters(m, err) < 0)
        return -1;
    add_news(m);
    buf_add(m->text, STR("poterne on "));
    plain_add_cut(m->text, m->news->hostname, ADDRESS_COLUMNS);
    buf_addc(m->text, '\n');
    if (waiting)
        buf_addf(subject, "%llu reported message%s to decide [digest %s]",
                 (unsigned long long)waiting, plural(waiting), m->record.token);
    else
        buf_addf(subject, "News of the mail filter [digest %s]", m->record.token);
    return buf_ok(m->text) && buf_ok(subject) ? 0 : err_set(err, "the digest is too large");
}

static int look(struct making *m, struct err *err)
{
    const struct proposal_filter filter = {.states = 1u << PROPOSAL_WAITING,
                                           .grouped = true,
                                           .limit = DIGEST_LINES_MAX};
    int64_t up_to;
    if (proposals_totals(m->store, &m->totals, err) < 0 ||
        digest_last_us(m->store, &m->last_us, err) < 0 ||
        store_get_number(m->store, store_prepare(m->store, "SELECT max(number) FROM proposal", err),
                         &up_to, err) < 0 ||
        proposals_list(m->store, &filter, m->pool, &m->list, err) < 0)
        return -1;
    digest_token_make(m->record.token);
    m->record.made_us = m->now_us;
    m->record.up_to = (uint64_t)up_to;
    m->record.n = m->list.n;
    for (size_t i = 0; i < m->list.n; i++)
        m->record.leads[i] = m->list.lines[i].lead.number;
    return 0;
}

static int make(struct making *m, struct buf *subject, struct err *err)
{
    if (look(m, err) < 0)
        return -1;
    if (m->totals.in[PROPOSAL_WAITING] == 0 && m->news->n_guard == 0 && m->news->n_viruses == 0 &&
        m->news->n_mailboxes == 0 && m->news->n_redirections == 0 && m->news->n_sources == 0 &&
        m->news->n_frozen == 0 && m->news->n_audit == 0)
        return 0;
    if (compose(m, subject, err) < 0)
        return -1;
    return digest_record_write(m->store, &m->record, err) < 0 ? -1 : 1;
}

int digest_make(struct proposals *store, const struct digest_news *news, int64_t now_us,
                struct buf *subject, struct buf *text, struct err *err)
{
    struct making m = {
        .store = store, .news = news, .now_us = now_us, .text = text, .pool = pool_new(POOL_MAX)};
    if (m.pool == NULL)
        return err_set(err, "out of memory for the digest");
    int result = make(&m, subject, err);
    pool_free(&m.pool);
    return result;
}

int64_t digest_next_us(int64_t last_us, int64_t now_us, unsigned hour)
{
    int64_t after = last_us ? last_us : now_us;
    time_t seconds = (time_t)(after / SECOND_US);
    struct tm tm;
    if (localtime_r(&seconds, &tm) == NULL)
        return after + (int64_t)86400 * SECOND_US;
    tm.tm_hour = (int)hour;
    tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1; /* the hour of the clock on the wall, whatever the season */
    struct tm next = tm;
    int64_t at = (int64_t)mktime(&tm) * SECOND_US;
    if (at > after)
        return at;
    next.tm_mday++;
    return (int64_t)mktime(&next) * SECOND_US;
}
