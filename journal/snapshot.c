#include "journal/snapshot.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/recipient.h"
#include "journal/db.h"
#include "journal/schema.h"

#define PAGES 4096 /* of a step */

#define OPEN_SQL "SELECT " SCHEMA_IS_OPEN("m") " FROM (SELECT ?1 AS id) m"
/* … of a journal that knows nothing of acceptances */
#define OPEN_SQL_OLD                                                                               \
    "SELECT EXISTS (SELECT 1 FROM recipient WHERE id = ?1 AND state NOT IN (2, 5, 6, 7))"          \
    " OR NOT EXISTS (SELECT 1 FROM recipient WHERE id = ?1)"

struct journal_snapshot {
    sqlite3 *db;
    sqlite3_stmt *open; /* OPEN_SQL */
};

/* As long as it reads nothing that is written changes what it sees, so that each step goes on. */
static int copy_all(sqlite3 *from, sqlite3 *to, struct err *err)
{
    int64_t version;
    if (db_exec(from, "BEGIN", err) < 0 || db_schema_version(from, &version, err) < 0)
        return -1;
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (backup == NULL)
        return db_fail(to, "the copy of the journal", err);
    int code;
    do
        code = sqlite3_backup_step(backup, PAGES);
    while (code == SQLITE_OK);
    if (sqlite3_backup_finish(backup) != SQLITE_OK || code != SQLITE_DONE)
        return db_fail(to, "the copy of the journal", err);
    return 0;
}

static int copy_from(const char *path, sqlite3 *to, struct err *err)
{
    sqlite3 *from = db_open_read(path, err);
    int result = from ? copy_all(from, to, err) : -1;
    sqlite3_close(from);
    return result;
}

static int open_copy(struct journal_snapshot *s, const char *path, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK)
        return s->db ? db_fail(s->db, path, err) : err_set(err, "out of memory");
    return db_exec(s->db, "PRAGMA synchronous = OFF;", err);
}

static int prepare(struct journal_snapshot *s, struct err *err)
{
    int64_t version;
    if (db_schema_version(s->db, &version, err) < 0)
        return -1;
    s->open = db_prepare(s->db, version < 5 ? OPEN_SQL_OLD : OPEN_SQL, err);
    return s->open ? 1 : -1;
}

int journal_snapshot(const char *state_dir, const char *path, struct journal_snapshot **snapshot,
                     struct err *err)
{
    char from[PATH_MAX];
    *snapshot = NULL;
    if (fsio_join(from, sizeof from, state_dir, "journal/" JOURNAL_FILE, err) < 0)
        return -1;
    if (access(from, F_OK) < 0)
        return errno == ENOENT ? 0 : err_sys(err, "cannot look at %s", from);
    struct journal_snapshot *s = calloc(1, sizeof *s);
    if (s == NULL)
        return err_set(err, "out of memory");
    int result = open_copy(s, path, err);
    if (result == 0)
        result = copy_from(from, s->db, err);
    /* one file: no log beside it that would have to be copied, too */
    if (result == 0)
        result = db_exec(s->db, "PRAGMA journal_mode = DELETE;", err);
    if (result == 0)
        result = prepare(s, err);
    if (result < 0)
        journal_snapshot_close(&s);
    *snapshot = s;
    return result;
}

void journal_snapshot_close(struct journal_snapshot **snapshot)
{
    if (*snapshot == NULL)
        return;
    sqlite3_finalize((*snapshot)->open);
    sqlite3_close((*snapshot)->db);
    free(*snapshot);
    *snapshot = NULL;
}

int journal_snapshot_open(struct journal_snapshot *s, struct str id, struct err *err)
{
    db_bind(s->open, 1, id);
    int open = -1;
    if (sqlite3_step(s->open) == SQLITE_ROW)
        open = sqlite3_column_int(s->open, 0);
    else
        db_fail(s->db, "the copy of the journal", err);
    sqlite3_reset(s->open);
    return open;
}
