#include "directory/sqlite.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "directory/address.h"

#define BUSY_MS   1000    /* while somebody writes */
#define STEPS     1000000 /* of SQLite's machine for one question */
#define VALUE_MAX 1000    /* bytes of a column */

struct reader {
    const struct conf_sqlite *conf;
    sqlite3 *db; /* NULL: not open */
    sqlite3_stmt *query;
    struct stat opened;
};

static void close_file(struct reader *r)
{
    sqlite3_finalize(r->query);
    sqlite3_close(r->db);
    r->query = NULL;
    r->db = NULL;
}

static void reader_close(void *asker)
{
    struct reader *r = asker;
    if (r == NULL)
        return;
    close_file(r);
    free(r);
}

static void *reader_open(const struct source_place *place, struct err *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (r)
        r->conf = conf_sqlite_find(place->conf, place->source.name);
    if (r && r->conf)
        return r;
    free(r);
    err_set(err, "sqlite %s: out of memory", place->source.name);
    return NULL;
}

static int out_of_steps(void *data)
{
    return 1;
}

static int fail(struct reader *r, const char *what, struct err *err)
{
    err_set(err, "%s: %s: %s", r->conf->file, what, r->db ? sqlite3_errmsg(r->db) : "no memory");
    close_file(r);
    return -1;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int open_file(struct reader *r, struct err *err)
{
    struct stat st;
    if (stat(r->conf->file, &st) < 0) {
        close_file(r);
        return err_sys(err, "cannot look at %s", r->conf->file);
    }
    if (r->db && is_same(&st, &r->opened))
        return 0;
    close_file(r);
    r->opened = st;
    if (sqlite3_open_v2(r->conf->file, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return fail(r, "cannot open", err);
    sqlite3_busy_timeout(r->db, BUSY_MS);
    sqlite3_progress_handler(r->db, STEPS, out_of_steps, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (sqlite3_prepare_v3(r->db, r->conf->query, -1, SQLITE_PREPARE_PERSISTENT, &r->query, NULL) !=
        SQLITE_OK)
        return fail(r, "query", err);
    if (r->query == NULL || sqlite3_bind_parameter_count(r->query) != 1 ||
        !sqlite3_stmt_readonly(r->query)) {
        close_file(r);
        return err_set(err, "sqlite %s: expected in query one SELECT with one ?", r->conf->name);
    }
    return 0;
}

/* --- a row --- */

static struct str text_of(sqlite3_stmt *query, int column)
{
    const char *text = (const char *)sqlite3_column_text(query, column);
    int n = sqlite3_column_bytes(query, column);
    return text && n > 0 && n <= VALUE_MAX ? str_n(text, (size_t)n) : STR_EMPTY;
}

static uint64_t number_of(sqlite3_stmt *query, int column)
{
    sqlite3_int64 n = sqlite3_column_int64(query, column);
    return n > 0 ? (uint64_t)n : 0;
}

struct row {
    struct address address, redirect;
    struct person person;
};

static void read_column(sqlite3_stmt *query, int column, struct row *row)
{
    struct str name = str_of(sqlite3_column_name(query, column));
    struct person *p = &row->person;
    if (str_ieq(name, STR("address"))) {
        if (address_normal(text_of(query, column), false, &row->address))
            p->address = str_of(row->address.text);
    } else if (str_ieq(name, STR("redirect"))) {
        if (address_written(text_of(query, column), &row->redirect))
            p->redirect = str_of(row->redirect.text);
    } else if (str_ieq(name, STR("redirect_keep"))) {
        if (sqlite3_column_type(query, column) != SQLITE_NULL)
            p->flags |= number_of(query, column) ? PERSON_KEEP : PERSON_NO_KEEP;
    } else if (str_ieq(name, STR("disabled"))) {
        p->flags |= number_of(query, column) ? PERSON_DISABLED : 0U;
    } else if (str_ieq(name, STR("quota_used"))) {
        p->quota_used = number_of(query, column);
    } else if (str_ieq(name, STR("quota_limit"))) {
        p->quota_limit = number_of(query, column);
    }
}

static void say_yes(struct reader *r, struct str asked, struct finding *finding)
{
    struct row row = {0};
    for (int i = 0; i < sqlite3_column_count(r->query); i++)
        read_column(r->query, i, &row);
    bool alias = row.person.address.n && !str_eq(row.person.address, asked);
    row.person.flags |= alias ? PERSON_ALIAS : 0U;
    finding_yes(finding, &row.person);
    if (alias)
        snprintf(finding->note, sizeof finding->note, "alias of %.200s", row.address.text);
}

static void reader_ask(void *asker, struct str address, struct finding *finding)
{
    struct reader *r = asker;
    struct err err = {""};
    if (open_file(r, &err) < 0) {
        finding_away(finding, true, err.text);
        return;
    }
    sqlite3_stmt_status(r->query, SQLITE_STMTSTATUS_VM_STEP, 1); /* STEPS are for this question */
    int result = sqlite3_bind_text(r->query, 1, address.s, (int)address.n, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_step(r->query);
    if (result == SQLITE_ROW)
        say_yes(r, address, finding);
    else if (result == SQLITE_DONE)
        finding_no(finding);
    else
        err_set(&err, "%s: %s", r->conf->file, sqlite3_errmsg(r->db));
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        finding_away(finding, true, err.text);
    sqlite3_reset(r->query);
    sqlite3_clear_bindings(r->query);
}

static unsigned reader_askers(const struct source_place *place)
{
    return 2;
}

const struct source_ops sqlite_ops = {
    .open = reader_open,
    .ask = reader_ask,
    .close = reader_close,
    .askers = reader_askers,
    .catch_all = true,
};
