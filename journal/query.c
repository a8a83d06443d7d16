#include "journal/query.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "journal/db.h"
#include "journal/time_id.h"

#define BUSY_MS 5000
#define SQL_MAX 4096

struct journal {
    sqlite3 *db;
    sqlite3_stmt *message;
    sqlite3_stmt *recipients;
    sqlite3_stmt *outcomes;
};

/* --- opening --- */

static int check_version(struct journal *journal, const char *path, struct err *err)
{
    int64_t version;
    if (db_number(journal->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version == JOURNAL_SCHEMA_VERSION)
        return 0;
    return err_set(err, "%s: schema %lld, this poterne reads %d", path, (long long)version,
                   JOURNAL_SCHEMA_VERSION);
}

static int prepare_all(struct journal *journal, struct err *err)
{
    journal->message = db_prepare(
        journal->db,
        "SELECT time_us, client_ip, client_name, helo, sender, subject, message_id, size,"
        " verdict, global, heuristics, bayes, held, evidence FROM message WHERE id = ?1",
        err);
    journal->recipients = db_prepare(journal->db,
                                     "SELECT idx, address, how, state, time_us FROM recipient"
                                     " WHERE id = ?1 ORDER BY idx",
                                     err);
    journal->outcomes = db_prepare(journal->db,
                                   "SELECT time_us, state, relay, detail FROM outcome"
                                   " WHERE id = ?1 AND idx = ?2 ORDER BY time_us, state",
                                   err);
    return journal->message && journal->recipients && journal->outcomes ? 0 : -1;
}

static int open_db(struct journal *journal, const char *path, struct err *err)
{
    if (access(path, F_OK) < 0)
        return err_sys(err, "no journal at %s yet", path);
    if (sqlite3_open_v2(path, &journal->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        return journal->db ? db_fail(journal->db, path, err)
                           : err_set(err, "journal: out of memory");
    sqlite3_busy_timeout(journal->db, BUSY_MS);
    if (check_version(journal, path, err) < 0)
        return -1;
    return prepare_all(journal, err);
}

struct journal *journal_open(const char *folder, struct err *err)
{
    char path[PATH_MAX];
    struct journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL)
        err_set(err, "journal: out of memory");
    else if (!db_path(folder, path, sizeof path))
        err_set(err, "%s: path too long", folder);
    else if (open_db(journal, path, err) == 0)
        return journal;
    journal_close(&journal);
    return NULL;
}

void journal_close(struct journal **journal)
{
    struct journal *gone = *journal;
    if (gone == NULL)
        return;
    sqlite3_finalize(gone->message);
    sqlite3_finalize(gone->recipients);
    sqlite3_finalize(gone->outcomes);
    sqlite3_close(gone->db);
    free(gone);
    *journal = NULL;
}

/* --- filters --- */

/* What stands behind ?1 … ?6 in every query; those that a query does not name are not bound. */
struct parameters {
    struct str id, id_end; /* ids from the one up to the other */
    struct str address, client_ip;
    int64_t from_us, to_us;
    size_t limit;
    char id_text[64];
    char end_text[64];
};

#define ULID_END "~" /* behind every character of an id */

/* Ids are in upper case. */
static int set_ids(struct parameters *p, const struct journal_filter *filter, struct err *err)
{
    if (filter->id.n == 0) {
        p->id = p->from_us > 0 ? time_id(p->from_us, p->id_text) : STR_EMPTY;
        p->id_end = p->to_us < INT64_MAX ? time_id(p->to_us, p->end_text) : STR(ULID_END);
        return 0;
    }
    if (filter->id.n + sizeof ULID_END > sizeof p->id_text ||
        !str_copy(filter->id, p->id_text, sizeof p->id_text))
        return err_set(err, "`%.*s` is not the id of a message",
                       STR_ARG(str_sub(filter->id, 0, 60)));
    for (char *c = p->id_text; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 32);
    memcpy(p->end_text, p->id_text, filter->id.n);
    memcpy(p->end_text + filter->id.n, ULID_END, sizeof ULID_END);
    p->id = str_of(p->id_text);
    p->id_end = str_of(p->end_text);
    return 0;
}

static int set_parameters(struct parameters *p, const struct journal_filter *filter,
                          struct err *err)
{
    *p = (struct parameters){.address = filter->address,
                             .client_ip = filter->client_ip,
                             .from_us = filter->from_us,
                             .to_us = filter->to_us ? filter->to_us : INT64_MAX,
                             .limit = filter->limit};
    if (p->limit == 0 || p->limit > JOURNAL_LIMIT_MAX)
        p->limit = JOURNAL_LIMIT_MAX;
    return set_ids(p, filter, err);
}

/* The query with its parameters; one more than the limit is asked for, to know of more. */
static sqlite3_stmt *prepare_filtered(struct journal *journal, struct buf *sql,
                                      const struct parameters *p, struct err *err)
{
    if (!buf_ok(sql)) {
        err_set(err, "journal: query too long");
        return NULL;
    }
    sqlite3_stmt *stmt = db_prepare(journal->db, buf_cstr(sql), err);
    if (stmt == NULL)
        return NULL;
    db_bind(stmt, 1, p->id);
    db_bind(stmt, 2, p->id_end);
    db_bind(stmt, 3, p->address);
    db_bind(stmt, 4, p->client_ip);
    sqlite3_bind_int64(stmt, 5, p->from_us);
    sqlite3_bind_int64(stmt, 6, p->to_us);
    sqlite3_bind_int64(stmt, 7, (int64_t)p->limit + 1);
    return stmt;
}

#define IN_IDS "id >= ?1 AND id < ?2"

/* Ids of messages, newest first. Every branch walks an index that ends in id. */
static void ids_sql(const struct parameters *p, struct buf *sql)
{
    if (p->address.n)
        buf_addf(sql, "SELECT id FROM message WHERE sender = ?3 AND " IN_IDS
                      " UNION SELECT id FROM recipient WHERE address = ?3 AND " IN_IDS);
    else if (p->client_ip.n)
        buf_addf(sql, "SELECT id FROM message WHERE client_ip = ?4 AND " IN_IDS);
    else
        buf_addf(sql, "SELECT id FROM message WHERE " IN_IDS
                      " UNION SELECT id FROM recipient WHERE " IN_IDS);
    buf_addf(sql, " ORDER BY id DESC");
    if (p->address.n && p->client_ip.n) {
        struct buf inner = *sql;
        *sql = BUF_INIT(SQL_MAX);
        buf_addf(sql,
                 "SELECT id FROM (%s) WHERE id IN (SELECT id FROM message WHERE client_ip = ?4)"
                 " ORDER BY id DESC",
                 buf_cstr(&inner));
        buf_release(&inner);
    }
    buf_addf(sql, " LIMIT ?7");
}

/* --- messages --- */

static int pool_full(struct err *err)
{
    return err_set(err, "journal: too much was found for memory; ask for less");
}

static int read_outcomes(struct journal *journal, struct str id, struct journal_recipient *to,
                         struct pool *pool, struct err *err)
{
    size_t cap = 0;
    int code;
    db_bind(journal->outcomes, 1, id);
    sqlite3_bind_int64(journal->outcomes, 2, to->index);
    while ((code = sqlite3_step(journal->outcomes)) == SQLITE_ROW) {
        struct journal_outcome *all =
            pool_grow(pool, to->outcomes, to->n_outcomes, &cap, sizeof *all);
        if (all == NULL)
            break;
        to->outcomes = all;
        to->outcomes[to->n_outcomes++] = (struct journal_outcome){
            .time_us = sqlite3_column_int64(journal->outcomes, 0),
            .state = (enum recipient_state)sqlite3_column_int(journal->outcomes, 1),
            .relay = db_text(journal->outcomes, 2, pool),
            .detail = db_text(journal->outcomes, 3, pool)};
    }
    sqlite3_reset(journal->outcomes);
    if (code == SQLITE_ROW)
        return pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "outcomes", err);
}

static int read_recipients(struct journal *journal, struct journal_message *to, struct pool *pool,
                           struct err *err)
{
    sqlite3_stmt *stmt = journal->recipients;
    size_t cap = 0;
    int code, result = 0;
    db_bind(stmt, 1, to->event.id);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && result == 0) {
        struct journal_recipient *all =
            pool_grow(pool, to->recipients, to->n_recipients, &cap, sizeof *all);
        if (all == NULL)
            break;
        to->recipients = all;
        struct journal_recipient *recipient = &to->recipients[to->n_recipients++];
        *recipient =
            (struct journal_recipient){.index = (uint32_t)sqlite3_column_int64(stmt, 0),
                                       .address = db_text(stmt, 1, pool),
                                       .how = db_text(stmt, 2, pool),
                                       .state = (enum recipient_state)sqlite3_column_int(stmt, 3),
                                       .time_us = sqlite3_column_int64(stmt, 4)};
        result = read_outcomes(journal, to->event.id, recipient, pool, err);
    }
    sqlite3_reset(stmt);
    if (result < 0)
        return -1;
    if (code == SQLITE_ROW)
        return pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "recipients", err);
}

static void take_message(sqlite3_stmt *stmt, struct pool *pool, struct event_message *event)
{
    event->time_us = sqlite3_column_int64(stmt, 0);
    event->client_ip = db_text(stmt, 1, pool);
    event->client_name = db_text(stmt, 2, pool);
    event->helo = db_text(stmt, 3, pool);
    event->sender = db_text(stmt, 4, pool);
    event->subject = db_text(stmt, 5, pool);
    event->message_id = db_text(stmt, 6, pool);
    event->size = (uint64_t)sqlite3_column_int64(stmt, 7);
    event->verdict = db_text(stmt, 8, pool);
    event->global = sqlite3_column_double(stmt, 9);
    event->heuristics = sqlite3_column_double(stmt, 10);
    event->bayes = sqlite3_column_double(stmt, 11);
    event->held = db_text(stmt, 12, pool);
    event->evidence = db_text(stmt, 13, pool);
}

static int read_message(struct journal *journal, struct journal_message *message, struct pool *pool,
                        struct err *err)
{
    db_bind(journal->message, 1, message->event.id);
    int code = sqlite3_step(journal->message);
    message->complete = code == SQLITE_ROW;
    if (message->complete)
        take_message(journal->message, pool, &message->event);
    sqlite3_reset(journal->message);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_fail(journal->db, "message", err);
    return read_recipients(journal, message, pool, err);
}

/* Newest first; the array has room for limit + 1. */
static int read_ids(struct journal *journal, const struct parameters *p, struct pool *pool,
                    struct journal_found *found, struct err *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    size_t cap = 0;
    int code = SQLITE_DONE;
    ids_sql(p, &sql);
    sqlite3_stmt *stmt = prepare_filtered(journal, &sql, p, err);
    buf_release(&sql);
    if (stmt == NULL)
        return -1;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct journal_message *all =
            pool_grow(pool, found->messages, found->n_messages, &cap, sizeof *all);
        if (all == NULL)
            break;
        found->messages = all;
        found->messages[found->n_messages++] =
            (struct journal_message){.event = {.id = db_text(stmt, 0, pool)}};
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "messages", err);
}

static int search_messages(struct journal *journal, const struct parameters *p, struct pool *pool,
                           struct journal_found *found, struct err *err)
{
    if (read_ids(journal, p, pool, found, err) < 0)
        return -1;
    if (found->n_messages > p->limit) {
        found->n_messages = p->limit;
        found->more = true;
    }
    for (size_t i = 0; i < found->n_messages / 2; i++) {
        struct journal_message *other = &found->messages[found->n_messages - 1 - i];
        struct journal_message swap = found->messages[i];
        found->messages[i] = *other;
        *other = swap;
    }
    for (size_t i = 0; i < found->n_messages; i++)
        if (read_message(journal, &found->messages[i], pool, err) < 0)
            return -1;
    return 0;
}

/* --- refusals --- */

#define REFUSAL_COLUMNS                                                                            \
    "SELECT time_us, id, session, client_ip, client_name, helo, sender, recipient, stage, code,"   \
    " enhanced, text, evidence, no FROM refusal WHERE "
#define IN_TIME " time_us >= ?5 AND time_us < ?6"

static void refusals_sql(const struct journal_filter *filter, struct buf *sql)
{
    const char *client = filter->client_ip.n ? " AND client_ip = ?4" : "";
    if (filter->id.n)
        buf_addf(sql, REFUSAL_COLUMNS "id <> '' AND " IN_IDS " AND" IN_TIME "%s", client);
    else if (filter->address.n)
        buf_addf(sql,
                 REFUSAL_COLUMNS "sender <> '' AND sender = ?3 AND" IN_TIME "%s"
                                 " UNION " REFUSAL_COLUMNS
                                 "recipient <> '' AND recipient = ?3 AND" IN_TIME "%s",
                 client, client);
    else
        buf_addf(sql, REFUSAL_COLUMNS IN_TIME "%s", client);
    if (filter->id.n && filter->address.n)
        buf_addf(sql, " AND (sender = ?3 OR recipient = ?3)");
    buf_addf(sql, " ORDER BY time_us DESC, no DESC LIMIT ?7");
}

static void take_refusal(sqlite3_stmt *stmt, struct pool *pool, struct event_refused *event)
{
    *event = (struct event_refused){.time_us = sqlite3_column_int64(stmt, 0),
                                    .id = db_text(stmt, 1, pool),
                                    .session = db_text(stmt, 2, pool),
                                    .client_ip = db_text(stmt, 3, pool),
                                    .client_name = db_text(stmt, 4, pool),
                                    .helo = db_text(stmt, 5, pool),
                                    .sender = db_text(stmt, 6, pool),
                                    .recipient = db_text(stmt, 7, pool),
                                    .stage = db_text(stmt, 8, pool),
                                    .code = (uint32_t)sqlite3_column_int64(stmt, 9),
                                    .enhanced = db_text(stmt, 10, pool),
                                    .text = db_text(stmt, 11, pool),
                                    .evidence = db_text(stmt, 12, pool)};
}

static int search_refusals(struct journal *journal, const struct journal_filter *filter,
                           const struct parameters *p, struct pool *pool,
                           struct journal_found *found, struct err *err)
{
    struct buf sql = BUF_INIT(SQL_MAX);
    size_t cap = 0;
    int code;
    refusals_sql(filter, &sql);
    sqlite3_stmt *stmt = prepare_filtered(journal, &sql, p, err);
    buf_release(&sql);
    if (stmt == NULL)
        return -1;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct event_refused *all =
            pool_grow(pool, found->refusals, found->n_refusals, &cap, sizeof *all);
        if (all == NULL)
            break;
        found->refusals = all;
        take_refusal(stmt, pool, &found->refusals[found->n_refusals++]);
    }
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return pool_full(err);
    if (code != SQLITE_DONE)
        return db_fail(journal->db, "refusals", err);
    if (found->n_refusals > p->limit) {
        found->n_refusals = p->limit;
        found->more = true;
    }
    for (size_t i = 0; i < found->n_refusals / 2; i++) {
        struct event_refused *other = &found->refusals[found->n_refusals - 1 - i];
        struct event_refused swap = found->refusals[i];
        found->refusals[i] = *other;
        *other = swap;
    }
    return 0;
}

int journal_search(struct journal *journal, const struct journal_filter *filter, struct pool *pool,
                   struct journal_found *found, struct err *err)
{
    struct parameters p;
    *found = (struct journal_found){0};
    if (set_parameters(&p, filter, err) < 0)
        return -1;
    /* One transaction: what is found belongs together. */
    if (db_exec(journal->db, "BEGIN", err) < 0)
        return -1;
    int result = search_messages(journal, &p, pool, found, err);
    if (result == 0)
        result = search_refusals(journal, filter, &p, pool, found, err);
    sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL);
    return result;
}

/* --- totals --- */

static int count(struct journal *journal, const char *sql, uint64_t *to, struct err *err)
{
    int64_t number;
    if (db_number(journal->db, sql, &number, err) < 0)
        return -1;
    *to = (uint64_t)number;
    return 0;
}

int journal_totals(struct journal *journal, struct journal_totals *totals, struct err *err)
{
    *totals = (struct journal_totals){0};
    if (count(journal, "SELECT count(*) FROM message", &totals->messages, err) < 0 ||
        count(journal, "SELECT count(*) FROM refusal", &totals->refusals, err) < 0)
        return -1;
    sqlite3_stmt *stmt =
        db_prepare(journal->db, "SELECT state, count(*) FROM recipient GROUP BY state", err);
    if (stmt == NULL)
        return -1;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        int state = sqlite3_column_int(stmt, 0);
        uint64_t n = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (state >= 0 && state < RECIPIENT_STATES)
            totals->recipients_in[state] = n;
        totals->recipients += n;
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "totals", err);
}
