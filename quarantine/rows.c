#include "quarantine/rows.h"

#include "base/buf.h"

/* Ids sort by the time of receipt: the newest are at the end of each index. */
static const char *const tables[] = {
    "CREATE TABLE %s.held ("
    "  id TEXT PRIMARY KEY NOT NULL, time_us INTEGER NOT NULL, since_us INTEGER NOT NULL,"
    "  class INTEGER NOT NULL, reason TEXT NOT NULL, sender TEXT NOT NULL COLLATE NOCASE,"
    "  client_ip TEXT NOT NULL, client_name TEXT NOT NULL, helo TEXT NOT NULL,"
    "  subject TEXT NOT NULL, message_id TEXT NOT NULL, verdict TEXT NOT NULL,"
    "  size INTEGER NOT NULL, file_size INTEGER NOT NULL, journaled INTEGER NOT NULL)"
    " WITHOUT ROWID",
    "CREATE INDEX %s.held_class ON held (class, since_us)",
    "CREATE INDEX %s.held_sender ON held (sender, id)",
    "CREATE TABLE %s.recipient ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, address TEXT NOT NULL COLLATE NOCASE,"
    "  state INTEGER NOT NULL, PRIMARY KEY (id, idx)) WITHOUT ROWID",
    "CREATE INDEX %s.recipient_address ON recipient (address, id)",
    "CREATE TABLE %s.answer ("
    "  id TEXT NOT NULL, idx INTEGER NOT NULL, engine TEXT NOT NULL COLLATE NOCASE,"
    "  result TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (id, idx)) WITHOUT ROWID",
    "CREATE INDEX %s.answer_name ON answer (name, id)",
};
_Static_assert(HELD_VIRUS == 0 && HELD_BANNED == 1 && HELD_UNSCANNABLE == 2 && HELD_POLICY == 3 &&
                   HELD_UNDELIVERABLE == 4,
               "the numbers stand in the index: a change is a new ROWS_VERSION");

int rows_create(sqlite3 *db, const char *schema, struct err *err)
{
    struct buf sql = BUF_INIT(ROWS_SQL_MAX);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        buf_addf(&sql, tables[i], schema);
        buf_add(&sql, STR(";\n"));
    }
    int result =
        buf_ok(&sql) ? db_exec(db, buf_cstr(&sql), err) : err_set(err, "out of memory for tables");
    buf_release(&sql);
    return result;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql, const char *schema, struct err *err)
{
    struct buf text = BUF_INIT(ROWS_SQL_MAX);
    sqlite3_stmt *stmt = NULL;
    buf_addf(&text, sql, schema);
    if (buf_ok(&text))
        stmt = db_prepare(db, buf_cstr(&text), err);
    else
        err_set(err, "out of memory for a statement");
    buf_release(&text);
    return stmt;
}

int rows_open(struct rows *rows, sqlite3 *db, const char *schema, struct err *err)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } plan[] = {
        {&rows->put_held, "INSERT INTO %s.held VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                          " ?11, ?12, ?13, ?14, ?15)"},
        {&rows->put_recipient, "INSERT INTO %s.recipient VALUES (?1, ?2, ?3, ?4)"},
        {&rows->put_answer, "INSERT INTO %s.answer VALUES (?1, ?2, ?3, ?4, ?5)"},
        {&rows->drop_held, "DELETE FROM %s.held WHERE id = ?1"},
        {&rows->drop_recipients, "DELETE FROM %s.recipient WHERE id = ?1"},
        {&rows->drop_answers, "DELETE FROM %s.answer WHERE id = ?1"},
    };
    *rows = (struct rows){0};
    for (size_t i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        *plan[i].stmt = prepare(db, plan[i].sql, schema, err);
        if (*plan[i].stmt == NULL)
            return -1;
    }
    return 0;
}

void rows_close(struct rows *rows)
{
    sqlite3_finalize(rows->put_held);
    sqlite3_finalize(rows->put_recipient);
    sqlite3_finalize(rows->put_answer);
    sqlite3_finalize(rows->drop_held);
    sqlite3_finalize(rows->drop_recipients);
    sqlite3_finalize(rows->drop_answers);
    *rows = (struct rows){0};
}

static int put_recipients(struct rows *rows, const struct held *held, struct err *err)
{
    sqlite3_stmt *stmt = rows->put_recipient;
    for (size_t i = 0; i < held->n_recipients; i++) {
        db_bind(stmt, 1, held->id);
        sqlite3_bind_int64(stmt, 2, (int64_t)i);
        db_bind(stmt, 3, held->recipients[i].address);
        sqlite3_bind_int64(stmt, 4, held->recipients[i].state);
        if (db_run(stmt, err) < 0)
            return -1;
    }
    return 0;
}

static int put_answers(struct rows *rows, const struct held *held, struct err *err)
{
    sqlite3_stmt *stmt = rows->put_answer;
    for (size_t i = 0; i < held->n_answers; i++) {
        db_bind(stmt, 1, held->id);
        sqlite3_bind_int64(stmt, 2, (int64_t)i);
        db_bind(stmt, 3, held->answers[i].engine);
        db_bind(stmt, 4, held->answers[i].result);
        db_bind(stmt, 5, held->answers[i].name);
        if (db_run(stmt, err) < 0)
            return -1;
    }
    return 0;
}

int rows_put(struct rows *rows, const struct held *held, struct err *err)
{
    sqlite3_stmt *stmt = rows->put_held;
    if (rows_drop(rows, held->id, err) < 0)
        return -1;
    db_bind(stmt, 1, held->id);
    sqlite3_bind_int64(stmt, 2, held->time_us);
    sqlite3_bind_int64(stmt, 3, held->since_us);
    sqlite3_bind_int(stmt, 4, (int)held->class);
    db_bind(stmt, 5, held->reason);
    db_bind(stmt, 6, held->sender);
    db_bind(stmt, 7, held->client_ip);
    db_bind(stmt, 8, held->client_name);
    db_bind(stmt, 9, held->helo);
    db_bind(stmt, 10, held->subject);
    db_bind(stmt, 11, held->message_id);
    db_bind(stmt, 12, held->verdict);
    sqlite3_bind_int64(stmt, 13, (int64_t)held->size);
    sqlite3_bind_int64(stmt, 14, (int64_t)held->file_size);
    sqlite3_bind_int(stmt, 15, held->journaled);
    if (db_run(stmt, err) < 0 || put_recipients(rows, held, err) < 0)
        return -1;
    return put_answers(rows, held, err);
}

int rows_drop(struct rows *rows, struct str id, struct err *err)
{
    sqlite3_stmt *const list[] = {rows->drop_held, rows->drop_recipients, rows->drop_answers};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        db_bind(list[i], 1, id);
        if (db_run(list[i], err) < 0)
            return -1;
    }
    return 0;
}
