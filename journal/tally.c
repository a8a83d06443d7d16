/* The counts of a day, as the writer makes them (tally.h). */
#include "journal/tally.h"

#include <stdio.h>

#include "base/domain.h"
#include "base/log.h"
#include "journal/db.h"
#include "journal/store_open.h"

#define TALLY_TEXTS         9    /* of a row, behind day and domain */
#define TALLY_PUBLISHED_MAX 256  /* bytes of a policy */
#define TALLY_DKIM_MAX      1024 /* of results of signatures */
#define DROP_ROWS           5000 /* at once, of a table */

struct row {
    enum tally_kind kind;
    int64_t time_us;
    struct str domain;
    struct str texts[TALLY_TEXTS]; /* in the order of the table */
};

static enum store_statement of_kind(const struct row *row, enum store_statement of_dmarc)
{
    int further = row->kind == TALLY_TLS ? STORE_TLS_FIND - STORE_DMARC_FIND : 0;
    return (enum store_statement)((int)of_dmarc + further);
}

static sqlite3_stmt *bind_row(struct journal_store *store, enum store_statement which,
                              const struct row *row)
{
    sqlite3_stmt *stmt = store->sql[which];
    sqlite3_bind_int64(stmt, 1, tally_day(row->time_us));
    db_bind(stmt, 2, row->domain);
    for (int i = 0; i < TALLY_TEXTS; i++)
        db_bind(stmt, 3 + i, row->texts[i]);
    return stmt;
}

/* 1: it is there, and *last_us is when it was counted last; 0: it is not. */
static int find(struct journal_store *store, const struct row *row, int64_t *last_us,
                struct err *err)
{
    enum store_statement which = of_kind(row, STORE_DMARC_FIND);
    sqlite3_stmt *stmt = bind_row(store, which, row);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *last_us = sqlite3_column_int64(stmt, 0);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        db_fail(store->db, "tally", err);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return store_fail(store, err);
    return code == SQLITE_ROW;
}

static int run_room(struct journal_store *store, enum store_statement which, const struct row *row,
                    struct str domain, struct err *err)
{
    sqlite3_stmt *stmt = store->sql[which];
    sqlite3_bind_int64(stmt, 1, tally_day(row->time_us));
    sqlite3_bind_int(stmt, 2, (int)row->kind);
    db_bind(stmt, 3, domain);
    return store_run(store, which, err);
}

static int use_room(struct journal_store *store, const struct row *row, struct str domain,
                    struct err *err)
{
    size_t texts = row->domain.n;
    for (int i = 0; i < TALLY_TEXTS; i++)
        texts += row->texts[i].n;
    /* the room's own row with it */
    sqlite3_bind_int64(store->sql[STORE_ROOM_USE], 4,
                       store_row_bytes(texts) + store_row_bytes(domain.n));
    return run_room(store, STORE_ROOM_USE, row, domain, err);
}

static int add(struct journal_store *store, const struct row *row, struct err *err)
{
    enum store_statement which = of_kind(row, STORE_DMARC_ADD);
    sqlite3_stmt *stmt = bind_row(store, which, row);
    sqlite3_bind_int64(stmt, 12, row->time_us);
    sqlite3_bind_int64(stmt, 13,
                       row->kind == TALLY_TLS ? TALLY_TLS_ROWS_MAX : TALLY_DMARC_ROWS_MAX);
    sqlite3_bind_int(stmt, 14, (int)row->kind);
    sqlite3_bind_int64(stmt, 15, TALLY_DOMAIN_ROWS_MAX);
    sqlite3_bind_int64(stmt, 16, store->tally_day_bytes_max);
    if (store_run(store, which, err) < 0)
        return -1;
    if (sqlite3_changes(store->db) == 0)
        return run_room(store, STORE_ROOM_LOST, row, row->domain, err);
    return use_room(store, row, row->domain, err) < 0 ? -1 : use_room(store, row, STR_EMPTY, err);
}

/* `once`: one that is no later than the last one was counted before. */
static int count(struct journal_store *store, const struct row *row, bool once, struct err *err)
{
    int64_t last_us = 0;
    int found = find(store, row, &last_us, err);
    if (found < 0)
        return -1;
    if (!found)
        return add(store, row, err);
    if (once && row->time_us <= last_us)
        return 0;
    enum store_statement which = of_kind(row, STORE_DMARC_COUNT);
    sqlite3_stmt *stmt = bind_row(store, which, row);
    sqlite3_bind_int64(stmt, 12, row->time_us > last_us ? row->time_us : last_us);
    return store_run(store, which, err);
}

/* --- DMARC --- */

/* The columns of STORE_EVIDENCE */
enum {
    SEEN_RECORD,
    SEEN_PUBLISHED,
    SEEN_AUTHOR,
    SEEN_SPF_DOMAIN,
    SEEN_SPF_RESULT,
    SEEN_DKIM,
    SEEN_SPF_ALIGNED,
    SEEN_DKIM_ALIGNED,
    SEEN_VERDICT,
    SEEN_POLICY,
    SEEN_APPLIED,
    SEEN_VOUCHED,
    SEEN_RESULT
};

enum seen_way { SEEN_TAKEN, SEEN_HELD, SEEN_REFUSED };

/* A view that lives until the statement is reset. */
static struct str column(sqlite3_stmt *stmt, int at)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    return text ? str_n(text, (size_t)sqlite3_column_bytes(stmt, at)) : STR_EMPTY;
}

/* What DMARC did to the message, whatever else was done to it. */
static struct str disposition_of(sqlite3_stmt *seen, enum seen_way way)
{
    if (str_eq(column(seen, SEEN_RESULT), STR("pass")))
        return str_eq(column(seen, SEEN_POLICY), STR("none")) ? STR("none") : STR("pass");
    if (!str_eq(column(seen, SEEN_VERDICT), STR("forged")) || way == SEEN_TAKEN)
        return STR("none");
    return way == SEEN_REFUSED ? STR("reject") : STR("quarantine");
}

/* Why it was not what the domain asks for; empty where it was, or where it passed. */
static struct str override_of(sqlite3_stmt *seen, struct str disposition)
{
    struct str policy = column(seen, SEEN_POLICY), applied = column(seen, SEEN_APPLIED);
    if (str_eq(disposition, STR("pass")) || str_eq(column(seen, SEEN_RESULT), STR("pass")) ||
        str_eq(disposition, policy))
        return STR_EMPTY;
    if (sqlite3_column_int(seen, SEEN_VOUCHED))
        return STR("trusted_forwarder");
    if (!str_eq(column(seen, SEEN_RESULT), STR("fail")))
        return STR("other");
    return str_eq(disposition, applied) ? STR("policy_test_mode") : STR("local_policy");
}

static struct str aligned_of(sqlite3_stmt *seen)
{
    bool spf = sqlite3_column_int(seen, SEEN_SPF_ALIGNED);
    bool dkim = sqlite3_column_int(seen, SEEN_DKIM_ALIGNED);
    return spf && dkim ? STR("dkim,spf") : spf ? STR("spf") : dkim ? STR("dkim") : STR_EMPTY;
}

/* As many lines as fit into TALLY_DKIM_MAX. */
static struct str whole_lines(struct str lines)
{
    if (lines.n <= TALLY_DKIM_MAX)
        return lines;
    size_t end = str_rchr(str_sub(lines, 0, TALLY_DKIM_MAX), '\n');
    return str_sub(lines, 0, end == STR_NONE ? 0 : end);
}

struct seen {
    int64_t time_us;
    struct str client_ip, sender, evidence;
    enum seen_way way;
};

static int count_seen(struct journal_store *store, const struct seen *seen, sqlite3_stmt *stmt,
                      struct err *err)
{
    char spf[DOMAIN_SIZE + 32] = "", sender[DOMAIN_SIZE] = "";
    if (column(stmt, SEEN_RECORD).n > DOMAIN_NAME_MAX ||
        column(stmt, SEEN_AUTHOR).n > DOMAIN_NAME_MAX ||
        column(stmt, SEEN_PUBLISHED).n > TALLY_PUBLISHED_MAX)
        return 0;
    struct str disposition = disposition_of(stmt, seen->way);
    domain_normal(domain_of_address(seen->sender), sender);
    if (column(stmt, SEEN_SPF_DOMAIN).n)
        snprintf(spf, sizeof spf, "%.*s %.*s", STR_ARG(column(stmt, SEEN_SPF_DOMAIN)),
                 STR_ARG(column(stmt, SEEN_SPF_RESULT)));
    const struct row row = {.kind = TALLY_DMARC,
                            .time_us = seen->time_us,
                            .domain = column(stmt, SEEN_RECORD),
                            .texts = {column(stmt, SEEN_PUBLISHED), column(stmt, SEEN_AUTHOR),
                                      seen->client_ip, str_of(sender), str_of(spf),
                                      whole_lines(column(stmt, SEEN_DKIM)), aligned_of(stmt),
                                      disposition, override_of(stmt, disposition)}};
    return count(store, &row, false, err);
}

/* Most evidence says nothing of reports: looked at before it is parsed. */
static bool may_be_wanted(struct str evidence)
{
    static const char member[] = "\"published\":";
    return memmem(evidence.s, evidence.n, member, sizeof member - 1) != NULL;
}

static int tally_seen(struct journal_store *store, const struct seen *seen, struct err *err)
{
    if (store->no_dmarc || seen->client_ip.n == 0 || seen->time_us < 0 || seen->evidence.n == 0 ||
        !may_be_wanted(seen->evidence))
        return 0;
    sqlite3_stmt *stmt = store->sql[STORE_EVIDENCE];
    db_bind(stmt, 1, seen->evidence);
    int code = sqlite3_step(stmt), result = 0;
    if (code == SQLITE_ROW)
        result = count_seen(store, seen, stmt, err);
    else if (code != SQLITE_DONE)
        result = db_fail(store->db, "tally", err);
    if (store->db == NULL) /* closed, with its statements */
        return -1;
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (code == SQLITE_ERROR) { /* another shape than ours has: sent again it would be no better */
        log_error("%s: evidence that makes no sense is in no report", err->text);
        return 0;
    }
    return code == SQLITE_ROW || code == SQLITE_DONE ? result : store_fail(store, err);
}

int tally_message(struct journal_store *store, const struct event_message *event, struct err *err)
{
    const struct seen seen = {.time_us = event->time_us,
                              .client_ip = event->client_ip,
                              .sender = event->sender,
                              .evidence = event->evidence,
                              .way = event->held.n ? SEEN_HELD : SEEN_TAKEN};
    return tally_seen(store, &seen, err);
}

/* One that is put off comes again, and is counted then. */
int tally_refused(struct journal_store *store, const struct event_refused *event, struct err *err)
{
    const struct seen seen = {.time_us = event->time_us,
                              .client_ip = event->client_ip,
                              .sender = event->sender,
                              .evidence = event->evidence,
                              .way = SEEN_REFUSED};
    return event->code >= 500 ? tally_seen(store, &seen, err) : 0;
}

/* --- TLS --- */

int tally_tls(struct journal_store *store, const struct event_tls *event, struct err *err)
{
    bool failed = event->result.n > 0; /* where it succeeded only the number is reported */
    struct str reason = str_sub(event->reason, 0, EVENT_TLS_REASON_MAX);
    const struct row row = {.kind = TALLY_TLS,
                            .time_us = event->time_us,
                            .domain = event->domain,
                            .texts = {event->policy_type, event->policy, event->mx_hosts,
                                      failed ? event->sending_ip : STR_EMPTY,
                                      failed ? event->receiving_ip : STR_EMPTY,
                                      failed ? event->receiving_mx : STR_EMPTY,
                                      failed ? event->receiving_helo : STR_EMPTY, event->result,
                                      failed ? reason : STR_EMPTY}};
    return store->no_tls ? 0 : count(store, &row, true, err);
}

/* --- forgetting --- */

/* Above the limit: the day behind the oldest one. */
static int before_by_size(struct journal_store *store, int64_t bytes_max, int64_t *before,
                          struct err *err)
{
    sqlite3_stmt *stmt = store->sql[STORE_ROOM_SUM];
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > bytes_max)
        *before = sqlite3_column_int64(stmt, 1) + 1;
    if (code != SQLITE_ROW)
        db_fail(store->db, "tally", err);
    sqlite3_reset(stmt);
    return code == SQLITE_ROW ? 0 : store_fail(store, err);
}

int tally_drop(struct journal_store *store, int64_t now_us, int64_t before_us, int64_t bytes_max,
               int64_t *rows, struct err *err)
{
    static const struct {
        enum store_statement statement;
        int kind; /* 0: it asks for none */
        bool bounded;
    } drops[] = {{STORE_DMARC_DROP, 0, true},
                 {STORE_TLS_DROP, 0, true},
                 {STORE_ROOM_DROP, TALLY_DMARC, true},
                 {STORE_ROOM_DROP, TALLY_TLS, true},
                 {STORE_ROOM_DROP_DAY, 0, false}};
    int64_t before = tally_day(before_us), by_size = 0, kept = tally_day(now_us) - 1;
    if (before_by_size(store, bytes_max, &by_size, err) < 0)
        return -1;
    /* those days are reported yet, and bounded each */
    by_size = by_size < kept ? by_size : kept;
    before = by_size > before ? by_size : before;
    for (size_t i = 0; i < sizeof drops / sizeof *drops; i++) {
        sqlite3_stmt *stmt = store->sql[drops[i].statement];
        sqlite3_bind_int64(stmt, 1, before);
        if (drops[i].bounded)
            sqlite3_bind_int64(stmt, 2, DROP_ROWS);
        if (drops[i].kind)
            sqlite3_bind_int(stmt, 3, drops[i].kind);
        if (store_run(store, drops[i].statement, err) < 0)
            return -1;
        *rows += sqlite3_changes64(store->db);
    }
    return 0;
}
