#include "quarantine/find.h"

#include <string.h>

#include "base/recipient.h"
#include "quarantine/find_open.h"

static const char *const place_names[PLACES] = {[PLACE_INDEX] = "main", [PLACE_LATE] = "temp"};

/* --- the question --- */

/* For LIKE with the escape \: what is special there is itself, * is anything. */
static struct str pattern(struct str text, bool part, struct pool *pool)
{
    struct buf out = BUF_INIT(2 * FIND_PATTERN_MAX + 2);
    text = str_sub(text, 0, FIND_PATTERN_MAX);
    if (part)
        buf_addc(&out, '%');
    for (size_t i = 0; i < text.n; i++) {
        if (text.s[i] == '%' || text.s[i] == '_' || text.s[i] == '\\')
            buf_addc(&out, '\\');
        buf_addc(&out, text.s[i] == '*' ? '%' : text.s[i]);
    }
    if (part)
        buf_addc(&out, '%');
    struct str made = buf_ok(&out) ? pool_str(pool, buf_str(&out)) : STR_EMPTY;
    buf_release(&out);
    return made;
}

static void add_address(struct buf *sql, struct str address, const char *column, int at)
{
    bool any = str_chr(address, '*') != STR_NONE;
    buf_addf(sql, any ? "%s LIKE ?%d ESCAPE '\\'" : "%s = ?%d", column, at);
}

static void bind_address(sqlite3_stmt *stmt, int at, struct str address, struct pool *pool)
{
    bool any = str_chr(address, '*') != STR_NONE;
    db_bind(stmt, at, any ? pattern(address, false, pool) : address);
}

static void add_class(struct buf *sql, const struct held_filter *filter, unsigned classes)
{
    const char *between = "";
    buf_addf(sql, " AND (");
    for (int i = 0; i < HELD_CLASSES; i++) {
        if (!(classes & 1u << i))
            continue;
        buf_addf(sql, "%sh.class = %d", between, i);
        if (filter->held_before_us)
            buf_addf(sql, " AND h.since_us < %lld", (long long)filter->held_before_us[i]);
        between = " OR ";
    }
    buf_addf(sql, "%s)", *between ? "" : "0");
}

/* ?1 from, ?2 to, ?3 sender, ?4 recipient, ?5 reason, ?6 virus, ?7 engine, ?8 limit */
static void add_place(struct buf *sql, const struct held_filter *f, enum place place)
{
    const char *schema = place_names[place];
    unsigned all = (1u << HELD_CLASSES) - 1;
    buf_addf(sql,
             "SELECT h.id AS id, time_us, since_us, class, reason, sender, client_ip, client_name,"
             " helo, subject, message_id, verdict, size, file_size, journaled, %d FROM %s.held h"
             " WHERE h.time_us >= ?1 AND h.time_us < ?2",
             (int)place, schema);
    if (place == PLACE_INDEX)
        buf_addf(sql, " AND h.id NOT IN (SELECT id FROM temp.hidden)");
    if (f->sender.n) {
        buf_addf(sql, " AND ");
        add_address(sql, f->sender, "h.sender", 3);
    }
    if (f->recipient.n) {
        buf_addf(sql, " AND h.id IN (SELECT r.id FROM %s.recipient r WHERE ", schema);
        add_address(sql, f->recipient, "r.address", 4);
        buf_addc(sql, ')');
    }
    if (f->reason.n)
        buf_addf(sql, " AND h.reason LIKE ?5 ESCAPE '\\'");
    if (f->virus.n)
        buf_addf(sql,
                 " AND h.id IN (SELECT a.id FROM %s.answer a WHERE a.name LIKE ?6 ESCAPE '\\')",
                 schema);
    if (f->engine.n)
        buf_addf(sql, " AND h.id IN (SELECT a.id FROM %s.answer a WHERE a.engine = ?7)", schema);
    if ((f->classes & all) || f->held_before_us)
        add_class(sql, f, f->classes & all ? f->classes & all : all);
}

static sqlite3_stmt *prepare_find(struct held_finder *f, const struct held_filter *filter,
                                  size_t limit, struct pool *pool, struct err *err)
{
    struct buf sql = BUF_INIT(ROWS_SQL_MAX);
    sqlite3_stmt *stmt = NULL;
    add_place(&sql, filter, PLACE_INDEX);
    buf_addf(&sql, " UNION ALL ");
    add_place(&sql, filter, PLACE_LATE);
    buf_addf(&sql, " ORDER BY id DESC LIMIT ?8");
    if (buf_ok(&sql))
        stmt = db_prepare(f->db, buf_cstr(&sql), err);
    else
        err_set(err, "out of memory for a search");
    buf_release(&sql);
    if (stmt == NULL)
        return NULL;
    sqlite3_bind_int64(stmt, 1, filter->from_us);
    sqlite3_bind_int64(stmt, 2, filter->to_us ? filter->to_us : INT64_MAX);
    bind_address(stmt, 3, filter->sender, pool);
    bind_address(stmt, 4, filter->recipient, pool);
    db_bind(stmt, 5, pattern(filter->reason, true, pool));
    db_bind(stmt, 6, pattern(filter->virus, true, pool));
    db_bind(stmt, 7, filter->engine);
    sqlite3_bind_int64(stmt, 8, (int64_t)limit + 1);
    return stmt;
}

/* --- the answer --- */

/* Any statement may be the first to meet a damaged page; later ones change what SQLite last said.
 */
static int cannot_read(struct held_finder *f, struct err *err)
{
    f->index_damaged |= db_damaged(sqlite3_errcode(f->db));
    return db_fail(f->db, "cannot read", err);
}

static int read_recipients(struct held_finder *f, enum place place, struct pool *pool,
                           struct held *held, struct err *err)
{
    sqlite3_stmt *stmt = f->recipients[place];
    size_t cap = 0;
    int code;
    db_bind(stmt, 1, held->id);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct held_recipient *list =
            pool_grow(pool, held->recipients, held->n_recipients, &cap, sizeof *held->recipients);
        if (list == NULL)
            break;
        held->recipients = list;
        list[held->n_recipients++] =
            (struct held_recipient){db_text(stmt, 0, pool),
                                    (unsigned)sqlite3_column_int(stmt, 1) % RECIPIENT_STATES};
    }
    if (code == SQLITE_ROW)
        err_set(err, "out of memory for the recipients");
    else if (code != SQLITE_DONE)
        cannot_read(f, err);
    sqlite3_reset(stmt);
    return code == SQLITE_DONE ? 0 : -1;
}

static int read_answers(struct held_finder *f, enum place place, struct pool *pool,
                        struct held *held, struct err *err)
{
    sqlite3_stmt *stmt = f->answers[place];
    size_t cap = 0;
    int code;
    db_bind(stmt, 1, held->id);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && held->n_answers < HELD_ANSWERS_MAX) {
        struct held_answer *list =
            pool_grow(pool, held->answers, held->n_answers, &cap, sizeof *held->answers);
        if (list == NULL) {
            sqlite3_reset(stmt);
            return err_set(err, "out of memory for the engines' answers");
        }
        held->answers = list;
        list[held->n_answers++] =
            (struct held_answer){db_text(stmt, 0, pool), db_text(stmt, 1, pool),
                                 db_text(stmt, 2, pool)};
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        cannot_read(f, err);
    sqlite3_reset(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

static struct held *read_row(struct held_finder *f, sqlite3_stmt *stmt, struct pool *pool,
                             struct err *err)
{
    struct held *held = POOL_NEW(pool, struct held);
    if (held == NULL) {
        err_set(err, "out of memory for what was found: ask for less");
        return NULL;
    }
    *held = (struct held){.id = db_text(stmt, 0, pool),
                          .time_us = sqlite3_column_int64(stmt, 1),
                          .since_us = sqlite3_column_int64(stmt, 2),
                          .class = (enum held_class)((unsigned)sqlite3_column_int(stmt, 3) %
                                                     HELD_CLASSES),
                          .reason = db_text(stmt, 4, pool),
                          .sender = db_text(stmt, 5, pool),
                          .client_ip = db_text(stmt, 6, pool),
                          .client_name = db_text(stmt, 7, pool),
                          .helo = db_text(stmt, 8, pool),
                          .subject = db_text(stmt, 9, pool),
                          .message_id = db_text(stmt, 10, pool),
                          .verdict = db_text(stmt, 11, pool),
                          .size = (uint64_t)sqlite3_column_int64(stmt, 12),
                          .file_size = (uint64_t)sqlite3_column_int64(stmt, 13),
                          .journaled = sqlite3_column_int(stmt, 14) != 0};
    enum place place = sqlite3_column_int(stmt, 15) == PLACE_LATE ? PLACE_LATE : PLACE_INDEX;
    if (read_recipients(f, place, pool, held, err) < 0 ||
        read_answers(f, place, pool, held, err) < 0)
        return NULL;
    return held;
}

static int find(struct held_finder *f, const struct held_filter *filter, struct pool *pool,
                struct held_list *found, struct err *err)
{
    size_t limit = filter->limit && filter->limit < FIND_LIMIT_MAX ? filter->limit : FIND_LIMIT_MAX;
    size_t cap = 0;
    int code;
    *found = (struct held_list){0};
    sqlite3_stmt *stmt = prepare_find(f, filter, limit, pool, err);
    if (stmt == NULL) {
        f->index_damaged |= db_damaged(sqlite3_errcode(f->db));
        return -1;
    }
    int result = 0;
    while (result == 0 && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        found->more = found->n == limit;
        if (found->more)
            break;
        struct held *held = read_row(f, stmt, pool, err);
        struct held **list = pool_grow(pool, found->list, found->n, &cap, sizeof(void *));
        if (held == NULL)
            result = -1;
        else if (list == NULL)
            result = err_set(err, "out of memory for what was found: ask for less");
        else {
            found->list = list;
            list[found->n++] = held;
        }
    }
    if (result == 0 && code != SQLITE_ROW && code != SQLITE_DONE)
        result = cannot_read(f, err);
    sqlite3_finalize(stmt);
    return result;
}

/* An index that turns out to be damaged only now is done without. */
static bool without_index(struct held_finder *f, struct err *err)
{
    if (!f->from_file || !f->index_damaged)
        return false;
    find_end(f);
    return find_begin(f, false, err) == 0;
}

int held_find(struct held_finder *f, const struct held_filter *filter, struct pool *pool,
              struct held_list *found, struct err *err)
{
    if (f->db == NULL)
        return err_set(err, "the quarantine could not be read");
    if (find(f, filter, pool, found, err) == 0)
        return 0;
    return without_index(f, err) ? find(f, filter, pool, found, err) : -1;
}

static int count(struct held_finder *f, uint64_t counts[HELD_CLASSES], struct err *err)
{
    memset(counts, 0, HELD_CLASSES * sizeof *counts);
    sqlite3_stmt *stmt =
        db_prepare(f->db,
                   "SELECT class, count(*) FROM main.held"
                   " WHERE id NOT IN (SELECT id FROM temp.hidden) GROUP BY class"
                   " UNION ALL SELECT class, count(*) FROM temp.held GROUP BY class",
                   err);
    if (stmt == NULL) {
        f->index_damaged |= db_damaged(sqlite3_errcode(f->db));
        return -1;
    }
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        counts[(unsigned)sqlite3_column_int(stmt, 0) % HELD_CLASSES] +=
            (uint64_t)sqlite3_column_int64(stmt, 1);
    if (code != SQLITE_DONE)
        cannot_read(f, err);
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE ? 0 : -1;
}

int held_count(struct held_finder *f, uint64_t counts[HELD_CLASSES], struct err *err)
{
    if (f->db == NULL)
        return err_set(err, "the quarantine could not be read");
    if (count(f, counts, err) == 0)
        return 0;
    return without_index(f, err) ? count(f, counts, err) : -1;
}
