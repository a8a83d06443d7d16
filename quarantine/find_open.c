/* find_open: the index, compared with the folder. */
#include "quarantine/find_open.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "quarantine/quarantine.h"

#define BUSY_MS       5000
#define PEEK_POOL_MAX (2 * (size_t)SPOOL_RECORDS_MAX)

/* --- opening --- */

void find_end(struct held_finder *f)
{
    rows_close(&f->late);
    sqlite3_finalize(f->hide);
    sqlite3_finalize(f->indexed);
    f->hide = f->indexed = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        sqlite3_finalize(f->recipients[i]);
        sqlite3_finalize(f->answers[i]);
        f->recipients[i] = f->answers[i] = NULL;
    }
    sqlite3_close(f->db);
    f->db = NULL;
}

static int open_main(struct held_finder *f, bool from_file, struct err *err)
{
    char path[PATH_MAX];
    int64_t version = 0;
    f->from_file = from_file;
    if (fsio_join(path, sizeof path, f->state_dir, "quarantine/" ROWS_FILE, err) < 0)
        return -1;
    if (sqlite3_open_v2(from_file ? path : ":memory:", &f->db,
                        SQLITE_OPEN_NOMUTEX |
                            (from_file ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE),
                        NULL) != SQLITE_OK)
        return f->db ? db_fail(f->db, path, err) : err_set(err, "out of memory for %s", path);
    sqlite3_busy_timeout(f->db, BUSY_MS);
    if (db_exec(f->db, "PRAGMA temp_store = MEMORY", err) < 0)
        return -1;
    if (!from_file)
        return rows_create(f->db, "main", err);
    if (db_number(f->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    return version == ROWS_VERSION ? 0 : err_set(err, "%s is of another version", path);
}

static int prepare_all(struct held_finder *f, struct err *err)
{
    static const char *const recipients[PLACES] = {
        "SELECT address, state FROM main.recipient WHERE id = ?1 ORDER BY idx",
        "SELECT address, state FROM temp.recipient WHERE id = ?1 ORDER BY idx"};
    static const char *const answers[PLACES] = {
        "SELECT engine, result, name FROM main.answer WHERE id = ?1 ORDER BY idx",
        "SELECT engine, result, name FROM temp.answer WHERE id = ?1 ORDER BY idx"};
    for (size_t i = 0; i < PLACES; i++) {
        f->recipients[i] = db_prepare(f->db, recipients[i], err);
        f->answers[i] = f->recipients[i] ? db_prepare(f->db, answers[i], err) : NULL;
        if (f->answers[i] == NULL)
            return -1;
    }
    f->indexed = db_prepare(f->db, "SELECT id, file_size FROM main.held ORDER BY id", err);
    f->hide = f->indexed ? db_prepare(f->db, "INSERT INTO temp.hidden VALUES (?1)", err) : NULL;
    return f->hide ? rows_open(&f->late, f->db, "temp", err) : -1;
}

/* --- comparing with the folder --- */

static int hide(struct held_finder *f, struct str id, struct err *err)
{
    db_bind(f->hide, 1, id);
    return db_run(f->hide, err);
}

static int step(struct held_finder *f, struct err *err)
{
    int code = sqlite3_step(f->indexed);
    f->at_row = code == SQLITE_ROW;
    return f->at_row || code == SQLITE_DONE ? 0 : db_fail(f->db, "cannot read", err);
}

static struct str row_id(const struct held_finder *f)
{
    return str_of((const char *)sqlite3_column_text(f->indexed, 0));
}

static int take_late(struct held_finder *f, const char *id, struct err *err)
{
    struct spool_file *file;
    struct held held;
    struct err why;
    bool corrupt;
    int result = 0;
    pool_reset(f->peek);
    if (spool_peek(f->spool, SPOOL_QUARANTINE, id, f->peek, &file, &corrupt, &why) < 0) {
        if (errno != ENOENT && f->damaged) /* else released or deleted a moment ago */
            f->damaged(f->data, id, why.text);
        return 0;
    }
    f->n_late++;
    if (quarantine_held_count(&file->envelope))
        result = held_read(file, f->peek, &held, err) == 0 ? rows_put(&f->late, &held, err) : -1;
    spool_unload(&file);
    return result;
}

struct comparison {
    struct held_finder *finder;
    struct err *err;
};

/* Both come in the order of the ids. */
static int compare_one(void *data, const char *id)
{
    const struct comparison *c = data;
    struct held_finder *f = c->finder;
    int order = -1;
    while (f->at_row && (order = str_cmp(row_id(f), str_of(id))) < 0)
        if (hide(f, row_id(f), c->err) < 0 || step(f, c->err) < 0)
            return -1;
    if (!f->at_row || order > 0)
        return take_late(f, id, c->err);
    bool same =
        spool_file_size(f->spool, SPOOL_QUARANTINE, id) == sqlite3_column_int64(f->indexed, 1);
    if (!same && (hide(f, str_of(id), c->err) < 0 || take_late(f, id, c->err) < 0))
        return -1;
    return step(f, c->err);
}

static int compare(struct held_finder *f, struct err *err)
{
    struct comparison c = {f, err};
    if (step(f, err) < 0 || spool_each(f->spool, SPOOL_QUARANTINE, compare_one, &c, err) < 0)
        return -1;
    while (f->at_row)
        if (hide(f, row_id(f), err) < 0 || step(f, err) < 0)
            return -1;
    sqlite3_reset(f->indexed);
    return 0;
}

/* All in one transaction: the index stays as it was compared. */
int find_begin(struct held_finder *f, bool from_file, struct err *err)
{
    static const char hidden[] = "CREATE TABLE temp.hidden (id TEXT PRIMARY KEY) WITHOUT ROWID;"
                                 "BEGIN";
    f->n_late = 0;
    if (open_main(f, from_file, err) == 0 && rows_create(f->db, "temp", err) == 0 &&
        db_exec(f->db, hidden, err) == 0 && prepare_all(f, err) == 0 && compare(f, err) == 0)
        return 0;
    find_end(f);
    return -1;
}

struct held_finder *held_finder_open(struct spool *spool, const char *state_dir,
                                     void (*damaged)(void *data, const char *id, const char *why),
                                     void *data, struct err *err)
{
    struct held_finder *f = calloc(1, sizeof *f);
    if (f == NULL || (f->peek = pool_new(PEEK_POOL_MAX)) == NULL) {
        free(f);
        err_set(err, "out of memory for the quarantine");
        return NULL;
    }
    f->spool = spool;
    f->state_dir = state_dir;
    f->damaged = damaged;
    f->data = data;
    if (find_begin(f, true, err) < 0 && find_begin(f, false, err) < 0)
        held_finder_close(&f);
    return f;
}

void held_finder_close(struct held_finder **finder)
{
    struct held_finder *f = *finder;
    if (f == NULL)
        return;
    *finder = NULL;
    find_end(f);
    pool_free(&f->peek);
    free(f);
}

size_t held_finder_late(const struct held_finder *finder)
{
    return finder->n_late;
}
