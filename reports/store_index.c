/* store_index: the index of what the files say. It holds nothing that they don't: a damaged one is
 * removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "reports/store_open.h"

#define BUSY_MS       5000
#define INDEX_VERSION 2
#define CHECKSUM_SIZE 4 /* the checksum stands at the end of the facts */

/* synchronous = NORMAL: what a crash takes from the index, the files still say. */
static const char settings[] = "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = NORMAL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -16384;"
                               "PRAGMA journal_size_limit = 16777216;"
                               "CREATE TEMP TABLE chosen (number INTEGER PRIMARY KEY);";

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE proposal ("
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, digest INTEGER NOT NULL,"
    "  campaign INTEGER NOT NULL, direction INTEGER NOT NULL, identity INTEGER NOT NULL,"
    "  id TEXT NOT NULL, subject TEXT NOT NULL, sender TEXT NOT NULL, verdict TEXT NOT NULL,"
    "  global REAL, heuristics REAL, bayes REAL, size INTEGER NOT NULL, kept INTEGER NOT NULL,"
    "  state INTEGER NOT NULL, changed_us INTEGER NOT NULL, decider TEXT NOT NULL,"
    "  decided_us INTEGER NOT NULL, why TEXT NOT NULL, reporter TEXT NOT NULL COLLATE NOCASE,"
    "  time_us INTEGER NOT NULL, reporters INTEGER NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE INDEX proposal_digest ON proposal (digest);"
    "CREATE INDEX proposal_campaign ON proposal (campaign, state);"
    "CREATE INDEX proposal_reporter ON proposal (reporter, time_us);"
    "CREATE TABLE report ("
    "  number INTEGER NOT NULL, reporter TEXT NOT NULL COLLATE NOCASE, time_us INTEGER NOT NULL,"
    "  PRIMARY KEY (number, reporter)) WITHOUT ROWID;"
    "CREATE INDEX report_reporter ON report (reporter);"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* What limits are held against, kept while rows come and go, so that a full store costs no more
 * than an empty one: of all, and of each reporter that has something waiting or was agreed with.
 * A row is never replaced or updated but for `kept`: it goes, and comes again. */
static const char sums[] =
    "BEGIN IMMEDIATE;"
    "DROP INDEX IF EXISTS proposal_kept;"
    "DROP INDEX IF EXISTS proposal_state;"
    "CREATE INDEX proposal_state ON proposal (state, reporter);"
    "CREATE INDEX proposal_spare ON proposal (changed_us) WHERE kept = 1 AND state >= 3;"
    "CREATE TABLE total (waiting INTEGER NOT NULL, bytes INTEGER NOT NULL);"
    "INSERT INTO total SELECT count(*) FILTER (WHERE state = 0),"
    " ifnull(sum(size) FILTER (WHERE kept = 1), 0) FROM proposal;"
    "CREATE TABLE tally ("
    "  reporter TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, waiting INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, agreed INTEGER NOT NULL, oldest INTEGER) WITHOUT ROWID;"
    "INSERT INTO tally SELECT reporter, sum(state = 0), sum((state = 0) * size),"
    " sum(state IN (1, 2, 3)), min(number) FILTER (WHERE state = 0) FROM proposal"
    " GROUP BY reporter HAVING sum(state IN (0, 1, 2, 3));"
    "CREATE INDEX tally_waiting ON tally (agreed > 0, waiting DESC, oldest);"
    "CREATE INDEX tally_bytes ON tally (agreed > 0, bytes DESC, oldest);"
    "CREATE TRIGGER proposal_comes AFTER INSERT ON proposal BEGIN"
    " UPDATE total SET waiting = waiting + (new.state = 0), bytes = bytes + new.size * new.kept;"
    " INSERT INTO tally SELECT new.reporter, 0, 0, 0, NULL WHERE new.state IN (0, 1, 2, 3)"
    "  ON CONFLICT DO NOTHING;"
    " UPDATE tally SET waiting = waiting + (new.state = 0),"
    "  bytes = bytes + (new.state = 0) * new.size, agreed = agreed + (new.state IN (1, 2, 3)),"
    "  oldest = (SELECT min(number) FROM proposal WHERE state = 0 AND reporter = new.reporter)"
    "  WHERE reporter = new.reporter;"
    "END;"
    "CREATE TRIGGER proposal_goes AFTER DELETE ON proposal BEGIN"
    " UPDATE total SET waiting = waiting - (old.state = 0), bytes = bytes - old.size * old.kept;"
    " UPDATE tally SET waiting = waiting - (old.state = 0),"
    "  bytes = bytes - (old.state = 0) * old.size, agreed = agreed - (old.state IN (1, 2, 3)),"
    "  oldest = (SELECT min(number) FROM proposal WHERE state = 0 AND reporter = old.reporter)"
    "  WHERE reporter = old.reporter;"
    " DELETE FROM tally WHERE reporter = old.reporter AND waiting = 0 AND agreed = 0;"
    "END;"
    "CREATE TRIGGER proposal_keeps AFTER UPDATE OF kept ON proposal BEGIN"
    " UPDATE total SET bytes = bytes + new.size * new.kept - old.size * old.kept;"
    "END;"
    "PRAGMA user_version = 2;"
    "COMMIT;";
_Static_assert(PROPOSAL_WAITING == 0 && PROPOSAL_ACCEPTED == 1 && PROPOSAL_CAPPED == 2 &&
                   PROPOSAL_LEARNED == 3,
               "these stand in the SQL above");

/* --- opening --- */

static int check_version(struct proposals *store, struct err *err)
{
    int64_t version;
    if (db_number(store->db, "PRAGMA user_version", &version, err) < 0)
        return -1;
    bool writer = store->lock_fd >= 0;
    if (version == 0 && writer) {
        store->stale = true; /* it is new */
        if (db_exec(store->db, schema, err) < 0)
            return -1;
        version = 1;
    }
    if (version == 1 && writer)
        return db_exec(store->db, sums, err);
    /* whoever only looks needs no sums */
    if (version != INDEX_VERSION && (version != 1 || writer))
        return err_set(err,
                       "%s is of schema %lld, this poterne knows %d: it is made anew when it is "
                       "removed",
                       store->index, (long long)version, INDEX_VERSION);
    return 0;
}

/* Made before SQLite makes it, so that it has our mode and owner; what SQLite makes beside it gets
 * the same. */
static int make_file(const struct proposals *store, struct err *err)
{
    int fd = open(store->index, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, STORE_MODE);
    if (fd < 0)
        return err_sys(err, "cannot open %s", store->index);
    int result = store_give(store, fd, store->index, err);
    close(fd);
    return result;
}

static int try_open(struct proposals *store, struct err *err)
{
    bool writer = store->lock_fd >= 0;
    if (writer && make_file(store, err) < 0)
        return -1;
    int flags = SQLITE_OPEN_NOMUTEX |
                (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (sqlite3_open_v2(store->index, &store->db, flags, NULL) != SQLITE_OK)
        return store->db ? db_fail(store->db, store->index, err)
                         : err_set(err, "out of memory for %s", store->index);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    if (reporter_functions(store->db) < 0)
        return err_set(err, "out of memory for %s", store->index);
    if (writer && db_exec(store->db, settings, err) < 0)
        return -1;
    return check_version(store, err);
}

static void remove_index(const struct proposals *store)
{
    static const char *const parts[] = {"", "-wal", "-shm"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int n = snprintf(path, sizeof path, "%s%s", store->index, parts[i]);
        if (n > 0 && (size_t)n < sizeof path)
            unlink(path);
    }
}

/* What is wrong with the index, before it is closed. */
static bool is_damaged(struct proposals *store)
{
    return store->db && db_damaged(sqlite3_errcode(store->db));
}

static void index_close(struct proposals *store)
{
    sqlite3_close(store->db);
    store->db = NULL;
}

/* Which file it is, to notice when another process has made a new one. */
static void note_file(struct proposals *store)
{
    struct stat st;
    store->index_inode = stat(store->index, &st) == 0 ? st.st_ino : 0;
}

int store_index_open(struct proposals *store, struct err *err)
{
    bool writer = store->lock_fd >= 0;
    bool opened = try_open(store, err) == 0;
    if (!opened && writer && is_damaged(store)) {
        log_error("%s; it is made anew from the files beside it", err->text);
        index_close(store);
        remove_index(store);
        opened = try_open(store, err) == 0;
    }
    if (!opened)
        index_close(store);
    note_file(store);
    return opened ? 0 : -1;
}

int store_index_check(struct proposals *store, struct err *err)
{
    ino_t before = store->index_inode;
    note_file(store);
    if (store->db && !store->damaged && before && before == store->index_inode)
        return 0;
    index_close(store);
    if (store->damaged)
        remove_index(store);
    store->damaged = false;
    store->stale |= before != 0; /* another file than the one that was known */
    return store_index_open(store, err);
}

int store_index_fail(struct proposals *store, const char *what, struct err *err)
{
    if (store->db == NULL)
        return err_set(err, "%s is not open", store->index);
    db_fail(store->db, what, err);
    store->damaged = is_damaged(store);
    store->stale = true;
    if (store->damaged)
        log_error("%s; it is made anew from the files beside it", err->text);
    return -1;
}

/* --- statements --- */

sqlite3_stmt *store_prepare(struct proposals *store, const char *sql, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    if (store->db == NULL)
        err_set(err, "%s is not open", store->index);
    else if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        store_index_fail(store, sql, err);
    return stmt;
}

int store_run(struct proposals *store, sqlite3_stmt *stmt, struct err *err)
{
    if (stmt == NULL)
        return -1;
    bool done = sqlite3_step(stmt) == SQLITE_DONE;
    sqlite3_finalize(stmt); /* the error stays the connection's */
    return done ? 0 : store_index_fail(store, "cannot write", err);
}

int store_get_number(struct proposals *store, sqlite3_stmt *stmt, int64_t *number, struct err *err)
{
    *number = 0;
    if (stmt == NULL)
        return -1;
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0
                                                     : store_index_fail(store, "cannot read", err);
}

/* --- rows --- */

static void bind_texts(sqlite3_stmt *stmt, const struct proposal *p)
{
    db_bind(stmt, 6, p->id);
    db_bind(stmt, 7, p->subject);
    db_bind(stmt, 8, p->sender);
    db_bind(stmt, 9, p->verdict);
    db_bind(stmt, 17, p->decider);
    db_bind(stmt, 19, p->why);
    db_bind(stmt, 20, p->reporters[0].address);
}

/* In the order of STORE_COLUMNS, then the checksum. */
static int put_row(struct proposals *store, const struct proposal *p, uint32_t sum, struct err *err)
{
    sqlite3_stmt *stmt = store_prepare(store,
                                       "INSERT INTO proposal (" STORE_COLUMNS
                                       ", checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                                       " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
                                       " ?21, ?22, ?23)",
                                       err);
    if (stmt == NULL)
        return -1;
    const int64_t numbers[][2] = {{1, (int64_t)p->number},
                                  {2, (int64_t)p->digest},
                                  {3, (int64_t)p->campaign},
                                  {4, p->direction},
                                  {5, p->identity},
                                  {13, (int64_t)p->size},
                                  {14, p->kept},
                                  {15, p->state},
                                  {16, p->changed_us},
                                  {18, p->decided_us},
                                  {21, p->reporters[0].time_us},
                                  {22, (int64_t)p->n_reporters},
                                  {23, sum}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sqlite3_bind_int64(stmt, (int)numbers[i][0], numbers[i][1]);
    sqlite3_bind_double(stmt, 10, p->global);
    sqlite3_bind_double(stmt, 11, p->heuristics);
    sqlite3_bind_double(stmt, 12, p->bayes);
    bind_texts(stmt, p);
    return store_run(store, stmt, err);
}

static int put_reporters(struct proposals *store, const struct proposal *p, struct err *err)
{
    for (size_t i = 0; i < p->n_reporters; i++) {
        sqlite3_stmt *stmt =
            store_prepare(store, "INSERT OR IGNORE INTO report VALUES (?1, ?2, ?3)", err);
        if (stmt == NULL)
            return -1;
        sqlite3_bind_int64(stmt, 1, (int64_t)p->number);
        db_bind(stmt, 2, p->reporters[i].address);
        sqlite3_bind_int64(stmt, 3, p->reporters[i].time_us);
        if (store_run(store, stmt, err) < 0)
            return -1;
    }
    return 0;
}

static int drop_row(struct proposals *store, const char *sql, uint64_t number, struct err *err)
{
    sqlite3_stmt *stmt = store_prepare(store, sql, err);
    if (stmt)
        sqlite3_bind_int64(stmt, 1, (int64_t)number);
    return store_run(store, stmt, err);
}

static uint32_t checksum(struct str facts)
{
    struct wire sum = wire_of(str_from(facts, facts.n - CHECKSUM_SIZE));
    return wire_get_u32(&sum);
}

int store_index_put(struct proposals *store, const struct proposal *proposal, struct err *err)
{
    buf_clear(&store->bytes);
    proposal_put(&store->bytes, proposal);
    if (!buf_ok(&store->bytes))
        return err_set(err, "out of memory for a proposal's facts");
    if (drop_row(store, "DELETE FROM proposal WHERE number = ?1", proposal->number, err) < 0 ||
        put_row(store, proposal, checksum(buf_str(&store->bytes)), err) < 0)
        return -1;
    return put_reporters(store, proposal, err);
}

int store_index_drop(struct proposals *store, uint64_t number, struct err *err)
{
    if (drop_row(store, "DELETE FROM report WHERE number = ?1", number, err) < 0)
        return -1;
    return drop_row(store, "DELETE FROM proposal WHERE number = ?1", number, err);
}

static struct str column(sqlite3_stmt *stmt, int at, struct pool *pool, bool *failed)
{
    const char *text = (const char *)sqlite3_column_text(stmt, at);
    int n = sqlite3_column_bytes(stmt, at);
    if (text == NULL || n <= 0)
        return STR_EMPTY;
    struct str kept = pool_str(pool, str_n(text, (size_t)n));
    *failed |= kept.s == NULL;
    return kept;
}

int store_row(sqlite3_stmt *stmt, struct pool *pool, struct proposal *p, struct err *err)
{
    bool failed = false;
    *p = (struct proposal){.number = (uint64_t)sqlite3_column_int64(stmt, 0)};
    p->digest = (uint64_t)sqlite3_column_int64(stmt, 1);
    p->campaign = (uint64_t)sqlite3_column_int64(stmt, 2);
    p->direction = sqlite3_column_int(stmt, 3) == LEARN_SPAM ? LEARN_SPAM : LEARN_HAM;
    p->identity = (enum identity_kind)sqlite3_column_int(stmt, 4);
    p->id = column(stmt, 5, pool, &failed);
    p->subject = column(stmt, 6, pool, &failed);
    p->sender = column(stmt, 7, pool, &failed);
    p->verdict = column(stmt, 8, pool, &failed);
    p->global = sqlite3_column_double(stmt, 9);
    p->heuristics = sqlite3_column_double(stmt, 10);
    p->bayes = sqlite3_column_double(stmt, 11);
    p->size = (uint64_t)sqlite3_column_int64(stmt, 12);
    p->kept = sqlite3_column_int(stmt, 13) != 0;
    p->state = (enum proposal_state)sqlite3_column_int(stmt, 14);
    p->changed_us = sqlite3_column_int64(stmt, 15);
    p->decider = column(stmt, 16, pool, &failed);
    p->decided_us = sqlite3_column_int64(stmt, 17);
    p->why = column(stmt, 18, pool, &failed);
    p->reporters = POOL_NEW(pool, struct proposal_reporter);
    if (p->reporters == NULL || failed)
        return err_set(err, "out of memory for proposals");
    p->n_reporters = 1;
    p->reporters[0].address = column(stmt, 19, pool, &failed);
    p->reporters[0].time_us = sqlite3_column_int64(stmt, 20);
    return failed ? err_set(err, "out of memory for proposals") : 0;
}

/* --- in line with the files --- */

/* Is the row what the facts, which lie in store->bytes, say? */
static int is_current(struct proposals *store, const struct proposal *p, bool *current,
                      struct err *err)
{
    uint32_t sum = checksum(buf_str(&store->bytes));
    int64_t found;
    sqlite3_stmt *stmt = store_prepare(store,
                                       "SELECT 1 FROM proposal WHERE number = ?1 AND checksum = ?2"
                                       " AND kept = ?3",
                                       err);
    if (stmt) {
        sqlite3_bind_int64(stmt, 1, (int64_t)p->number);
        sqlite3_bind_int64(stmt, 2, sum);
        sqlite3_bind_int64(stmt, 3, p->kept);
    }
    if (store_get_number(store, stmt, &found, err) < 0)
        return -1;
    *current = found == 1;
    return 0;
}

static int renew_one(struct proposals *store, uint64_t number, struct err *err)
{
    struct proposal proposal;
    bool damaged, current;
    pool_reset(store->pool);
    int got = store_facts(store, number, store->pool, &proposal, &damaged, err);
    if (got == 0)
        return 0;
    if (got < 0 && !damaged)
        return -1;
    if (got < 0) {
        log_error("%s", err->text);
        return store_files_aside(store, number, err);
    }
    if (is_current(store, &proposal, &current, err) < 0)
        return -1;
    if (!current &&
        (store_index_drop(store, number, err) < 0 || store_index_put(store, &proposal, err) < 0))
        return -1;
    sqlite3_stmt *seen = store_prepare(store, "INSERT OR IGNORE INTO temp.chosen VALUES (?1)", err);
    if (seen)
        sqlite3_bind_int64(seen, 1, (int64_t)number);
    return store_run(store, seen, err);
}

/* What a crash left: facts being written, an original whose facts never came. */
static int renew_leftover(struct proposals *store, const char *name, struct err *err)
{
    uint64_t original = store_number(name, STORE_ORIGINAL);
    bool orphan = original && !store_has(store, original, STORE_FACTS);
    if (!orphan && store_number(name, STORE_NEW) == 0)
        return 0;
    if (unlinkat(store->files_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    return err_sys(err, "cannot remove %s/%s", store->files, name);
}

static int renew_from(struct proposals *store, DIR *dir, bool leftovers, struct err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return errno ? err_sys(err, "cannot read folder %s", store->files) : 0;
        uint64_t number = store_number(entry->d_name, STORE_FACTS);
        int result = leftovers ? renew_leftover(store, entry->d_name, err)
                     : number  ? renew_one(store, number, err)
                               : 0;
        if (result < 0)
            return -1;
    }
}

static int renew_pass(struct proposals *store, bool leftovers, struct err *err)
{
    /* A descriptor of its own, since reading a folder moves its position. */
    int fd = openat(store->files_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        err_sys(err, "cannot read folder %s", store->files);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    int result = renew_from(store, dir, leftovers, err);
    closedir(dir);
    return result;
}

int store_index_renew(struct proposals *store, struct err *err)
{
    static const char *const gone[] = {
        "DELETE FROM report WHERE number NOT IN (SELECT number FROM temp.chosen)",
        "DELETE FROM proposal WHERE number NOT IN (SELECT number FROM temp.chosen)"};
    if (store_run(store, store_prepare(store, "DELETE FROM temp.chosen", err), err) < 0)
        return -1;
    if (renew_pass(store, false, err) < 0 || renew_pass(store, true, err) < 0)
        return -1;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (store_run(store, store_prepare(store, gone[i], err), err) < 0)
            return -1;
    return 0;
}
