/* The counts of a day, for who reports them (tally.h). */
#include "journal/query_open.h"
#include "journal/tally.h"

static const char *table_of(enum tally_kind kind)
{
    return kind == TALLY_TLS ? "tls_seen" : "dmarc_seen";
}

static sqlite3_stmt *prepare(struct journal *journal, const char *format, enum tally_kind kind,
                             struct err *err)
{
    struct buf sql = BUF_INIT(QUERY_SQL_MAX);
    buf_addf(&sql, format, table_of(kind));
    buf_addc(&sql, '\0');
    sqlite3_stmt *stmt = buf_ok(&sql) ? db_prepare(journal->db, sql.p, err) : NULL;
    buf_release(&sql);
    return stmt;
}

/* Ends a search: code is that of its last step. */
static int finish(struct journal *journal, sqlite3_stmt *stmt, int code, struct err *err)
{
    sqlite3_finalize(stmt);
    if (code == SQLITE_ROW)
        return query_pool_full(err);
    return code == SQLITE_DONE ? 0 : db_fail(journal->db, "tally", err);
}

int tally_domains(struct journal *journal, enum tally_kind kind, int64_t day, struct pool *pool,
                  struct tally_domain **domains, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *domains = NULL;
    *n = 0;
    sqlite3_stmt *stmt =
        prepare(journal,
                "SELECT domain, sum(n), (SELECT lost FROM room WHERE room.day = ?1 AND"
                " room.kind = ?2 AND room.domain = t.domain) FROM %s t WHERE day = ?1"
                " GROUP BY domain ORDER BY domain",
                kind, err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, day);
    sqlite3_bind_int(stmt, 2, (int)kind);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct tally_domain *all = pool_grow(pool, *domains, *n, &cap, sizeof *all);
        if (all == NULL)
            break;
        *domains = all;
        all[(*n)++] = (struct tally_domain){.domain = db_text(stmt, 0, pool),
                                            .n = (uint64_t)sqlite3_column_int64(stmt, 1),
                                            .lost = (uint64_t)sqlite3_column_int64(stmt, 2)};
    }
    return finish(journal, stmt, code, err);
}

int tally_dmarc_rows(struct journal *journal, int64_t day, struct str domain, struct pool *pool,
                     struct tally_dmarc **rows, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *rows = NULL;
    *n = 0;
    sqlite3_stmt *stmt =
        prepare(journal,
                "SELECT published, header_from, source_ip, envelope_from, spf, dkim, aligned,"
                " disposition, override, n, last_us FROM %s WHERE day = ?1 AND domain = ?2"
                " ORDER BY published, header_from, source_ip, envelope_from, spf, dkim, aligned,"
                " disposition, override",
                TALLY_DMARC, err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, day);
    db_bind(stmt, 2, domain);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct tally_dmarc *all = pool_grow(pool, *rows, *n, &cap, sizeof *all);
        if (all == NULL)
            break;
        *rows = all;
        all[(*n)++] = (struct tally_dmarc){.published = db_text(stmt, 0, pool),
                                           .header_from = db_text(stmt, 1, pool),
                                           .source_ip = db_text(stmt, 2, pool),
                                           .envelope_from = db_text(stmt, 3, pool),
                                           .spf = db_text(stmt, 4, pool),
                                           .dkim = db_text(stmt, 5, pool),
                                           .aligned = db_text(stmt, 6, pool),
                                           .disposition = db_text(stmt, 7, pool),
                                           .override = db_text(stmt, 8, pool),
                                           .n = (uint64_t)sqlite3_column_int64(stmt, 9),
                                           .last_us = sqlite3_column_int64(stmt, 10)};
    }
    return finish(journal, stmt, code, err);
}

static void take_tls(sqlite3_stmt *stmt, struct pool *pool, struct tally_tls *row)
{
    *row = (struct tally_tls){.event = {.policy_type = db_text(stmt, 0, pool),
                                        .policy = db_text(stmt, 1, pool),
                                        .mx_hosts = db_text(stmt, 2, pool),
                                        .sending_ip = db_text(stmt, 3, pool),
                                        .receiving_ip = db_text(stmt, 4, pool),
                                        .receiving_mx = db_text(stmt, 5, pool),
                                        .receiving_helo = db_text(stmt, 6, pool),
                                        .result = db_text(stmt, 7, pool),
                                        .reason = db_text(stmt, 8, pool),
                                        .time_us = sqlite3_column_int64(stmt, 10)},
                              .n = (uint64_t)sqlite3_column_int64(stmt, 9)};
}

int tally_tls_rows(struct journal *journal, int64_t day, struct str domain, struct pool *pool,
                   struct tally_tls **rows, size_t *n, struct err *err)
{
    size_t cap = 0;
    int code;
    *rows = NULL;
    *n = 0;
    sqlite3_stmt *stmt =
        prepare(journal,
                "SELECT policy_type, policy, mx_hosts, sending_ip, receiving_ip, receiving_mx,"
                " receiving_helo, result, reason, n, last_us FROM %s WHERE day = ?1 AND domain = ?2"
                " ORDER BY policy_type, policy, mx_hosts, sending_ip, receiving_ip, receiving_mx,"
                " receiving_helo, result, reason",
                TALLY_TLS, err);
    if (stmt == NULL)
        return -1;
    sqlite3_bind_int64(stmt, 1, day);
    db_bind(stmt, 2, domain);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct tally_tls *all = pool_grow(pool, *rows, *n, &cap, sizeof *all);
        if (all == NULL)
            break;
        *rows = all;
        take_tls(stmt, pool, &all[(*n)++]);
    }
    return finish(journal, stmt, code, err);
}
