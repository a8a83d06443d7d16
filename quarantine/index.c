#include "quarantine/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "quarantine/rows.h"

#define BUSY_MS    1000
#define INDEX_MODE 0640

/* synchronous = NORMAL: what a crash takes from the index, the files still say. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA journal_size_limit = 16777216;";

struct held_index {
    char path[PATH_MAX];
    sqlite3 *db;
    struct rows rows;
    sqlite3_stmt *begin, *commit, *known, *ids, *before;
    unsigned changes; /* in the open transaction; 0: there is none */
    bool lacks;
};

/* --- opening --- */

static void close_db(struct held_index *index)
{
    sqlite3_stmt **const list[] = {&index->begin, &index->commit, &index->known, &index->ids,
                                   &index->before};
    rows_close(&index->rows);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        sqlite3_finalize(*list[i]);
        *list[i] = NULL;
    }
    sqlite3_close(index->db);
    index->db = NULL;
    index->changes = 0;
}

static int prepare_all(struct held_index *index, struct err *err)
{
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } plan[] = {
        {&index->begin, "BEGIN IMMEDIATE"},
        {&index->commit, "COMMIT"},
        {&index->known, "SELECT journaled FROM held WHERE id = ?1 AND file_size = ?2"},
        {&index->ids, "SELECT id FROM held WHERE id > ?1 ORDER BY id"},
        {&index->before, "SELECT id FROM held WHERE class = ?1 AND since_us < ?2"
                         " ORDER BY since_us, id LIMIT ?3 OFFSET ?4"},
    };
    for (size_t i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        *plan[i].stmt = db_prepare(index->db, plan[i].sql, err);
        if (*plan[i].stmt == NULL)
            return -1;
    }
    return rows_open(&index->rows, index->db, "main", err);
}

static int make_tables(struct held_index *index, struct err *err)
{
    char version[64];
    index->lacks = true;
    snprintf(version, sizeof version, "PRAGMA user_version = %d; COMMIT", ROWS_VERSION);
    if (db_exec(index->db, "BEGIN IMMEDIATE", err) < 0 || rows_create(index->db, "main", err) < 0 ||
        db_exec(index->db, version, err) < 0)
        return -1;
    return 0;
}

/* 1: it is of another version, or somebody else's. */
static int try_open(struct held_index *index, struct err *err)
{
    int64_t version;
    /* made before SQLite makes it, so that it and what SQLite makes beside it have our mode */
    int fd = open(index->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, INDEX_MODE);
    if (fd < 0) {
        bool not_ours = errno == EACCES;
        err_sys(err, "cannot open %s", index->path);
        return not_ours ? 1 : -1;
    }
    close(fd);
    if (sqlite3_open_v2(index->path, &index->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return index->db ? db_fail(index->db, index->path, err)
                         : err_set(err, "out of memory for %s", index->path);
    sqlite3_extended_result_codes(index->db, 1);
    sqlite3_busy_timeout(index->db, BUSY_MS);
    if (db_exec(index->db, settings, err) < 0 ||
        db_number(index->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version != 0 && version != ROWS_VERSION) {
        err_set(err, "%s is of another version", index->path);
        return 1;
    }
    if (version == 0 && make_tables(index, err) < 0)
        return -1;
    return prepare_all(index, err);
}

static void remove_files(const struct held_index *index)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[PATH_MAX + 8];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(path, sizeof path, "%s%s", index->path, parts[i]);
        unlink(path);
    }
}

/* Damaged, half made, or not to be opened by us. */
static bool is_useless(int code)
{
    int primary = code & 0xff;
    return db_damaged(code) || primary == SQLITE_ERROR || primary == SQLITE_CANTOPEN ||
           primary == SQLITE_PERM || primary == SQLITE_READONLY;
}

/* What lies there half made or by another version is no loss. */
static int open_db(struct held_index *index, struct err *err)
{
    int result = try_open(index, err);
    if (result == 0)
        return 0;
    int code = index->db ? sqlite3_errcode(index->db) : SQLITE_OK;
    close_db(index);
    if (result < 0 && !is_useless(code))
        return -1;
    log_error("%s; it is made anew from the files beside it", err->text);
    remove_files(index);
    if (try_open(index, err) == 0)
        return 0;
    close_db(index);
    return -1;
}

struct held_index *held_index_open(const char *folder, struct err *err)
{
    struct held_index *index = calloc(1, sizeof *index);
    if (index == NULL) {
        err_set(err, "out of memory for the index of quarantine");
        return NULL;
    }
    if (fsio_join(index->path, sizeof index->path, folder, ROWS_FILE, err) == 0 &&
        open_db(index, err) == 0)
        return index;
    free(index);
    return NULL;
}

void held_index_close(struct held_index **closed)
{
    struct held_index *index = *closed;
    struct err err;
    if (index == NULL)
        return;
    *closed = NULL;
    if (held_index_commit(index, &err) < 0)
        log_warning("%s; the rest is read from the files", err.text);
    close_db(index);
    free(index);
}

/* --- changing --- */

/* A failed change takes back all since the last commit; a damaged index is begun anew. */
static int failed(struct held_index *index, struct err *err)
{
    index->lacks = true;
    bool damaged = index->db && db_damaged(sqlite3_errcode(index->db));
    if (index->db && index->changes)
        sqlite3_exec(index->db, "ROLLBACK", NULL, NULL, NULL);
    index->changes = 0;
    if (!damaged)
        return -1;
    log_error("%s; it is made anew from the files beside it", err->text);
    close_db(index);
    remove_files(index);
    struct err again;
    if (open_db(index, &again) < 0)
        log_error("%s", again.text);
    return -1;
}

static int begin(struct held_index *index, struct err *err)
{
    if (index->db == NULL && open_db(index, err) < 0)
        return -1;
    if (index->changes == 0 && db_run(index->begin, err) < 0)
        return -1;
    index->changes++;
    return 0;
}

static int end(struct held_index *index, struct err *err)
{
    return index->changes >= INDEX_BATCH ? held_index_commit(index, err) : 0;
}

int held_index_put(struct held_index *index, const struct held *held, struct err *err)
{
    if (begin(index, err) < 0 || rows_put(&index->rows, held, err) < 0)
        return failed(index, err);
    return end(index, err);
}

int held_index_drop(struct held_index *index, struct str id, struct err *err)
{
    if (begin(index, err) < 0 || rows_drop(&index->rows, id, err) < 0)
        return failed(index, err);
    return end(index, err);
}

int held_index_commit(struct held_index *index, struct err *err)
{
    if (index->changes == 0)
        return 0;
    if (db_run(index->commit, err) < 0)
        return failed(index, err);
    index->changes = 0;
    return 0;
}

void held_index_rest(struct held_index *index)
{
    if (index->db)
        sqlite3_db_release_memory(index->db);
}

/* --- looking --- */

bool held_index_knows(struct held_index *index, struct str id, uint64_t file_size)
{
    if (index->db == NULL)
        return false;
    db_bind(index->known, 1, id);
    sqlite3_bind_int64(index->known, 2, (int64_t)file_size);
    int code = sqlite3_step(index->known);
    bool known = code == SQLITE_ROW && sqlite3_column_int(index->known, 0) != 0;
    sqlite3_reset(index->known);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        struct err err;
        db_fail(index->db, "cannot read", &err);
        failed(index, &err);
    }
    return known;
}

bool held_index_lacks(struct held_index *index)
{
    bool lacks = index->lacks;
    index->lacks = false;
    return lacks;
}

/* The id of the row at hand. False: it is none, and whoever wrote it was not us. */
static bool row_id(sqlite3_stmt *stmt, char id[SPOOL_ID_LEN + 1])
{
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    return text && str_copy(str_of(text), id, SPOOL_ID_LEN + 1);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, SPOOL_ID_LEN);
}

/* The first row behind *id that is to be forgotten, its id in *id. 1, 0: none, -1. */
static int next_gone(struct held_index *index, const char (*ids)[SPOOL_ID_LEN + 1], size_t n,
                     bool (*gone)(void *data, const char *id), void *data,
                     char id[SPOOL_ID_LEN + 1], struct err *err)
{
    int result = 0;
    int code;
    char behind[SPOOL_ID_LEN + 1];
    memcpy(behind, id, sizeof behind);
    db_bind(index->ids, 1, str_of(behind));
    while (result == 0 && (code = sqlite3_step(index->ids)) == SQLITE_ROW)
        result = row_id(index->ids, id) && !(n && bsearch(id, ids, n, SPOOL_ID_LEN + 1, by_id)) &&
                 gone(data, id);
    if (result == 0 && code != SQLITE_DONE)
        result = db_fail(index->db, "cannot read", err);
    sqlite3_reset(index->ids);
    return result;
}

int held_index_forget(struct held_index *index, const char (*ids)[SPOOL_ID_LEN + 1], size_t n,
                      bool (*gone)(void *data, const char *id), void *data, struct err *err)
{
    char id[SPOOL_ID_LEN + 1] = "";
    int dropped = 0;
    int found;
    if (index->db == NULL)
        return 0;
    while ((found = next_gone(index, ids, n, gone, data, id, err)) == 1) {
        if (held_index_drop(index, str_of(id), err) < 0)
            return -1;
        dropped++;
    }
    return found < 0 ? failed(index, err) : dropped;
}

int held_index_before(struct held_index *index, enum held_class class, int64_t before_us,
                      unsigned skip, char (*ids)[SPOOL_ID_LEN + 1], size_t n, struct err *err)
{
    int found = 0;
    int code;
    if (index->db == NULL)
        return 0;
    sqlite3_bind_int(index->before, 1, (int)class);
    sqlite3_bind_int64(index->before, 2, before_us);
    sqlite3_bind_int64(index->before, 3, (int64_t)n);
    sqlite3_bind_int64(index->before, 4, (int64_t)skip);
    while ((code = sqlite3_step(index->before)) == SQLITE_ROW)
        found += row_id(index->before, ids[found]);
    if (code != SQLITE_DONE)
        db_fail(index->db, "cannot read", err);
    sqlite3_reset(index->before);
    return code == SQLITE_DONE ? found : failed(index, err);
}
