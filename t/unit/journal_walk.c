/* What was accepted and how audits ended in the journal, and all of it read again in order. */
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "journal/query.h"
#include "journal/store.h"
#include "journal/time_id.h"
#include "journal/walk.h"

#define DAY_US ((int64_t)86400 * 1000000)
#define NOW_US ((int64_t)1792000000 * 1000000)
#define MANY   (WALK_SNAPSHOT + WALK_SNAPSHOT / 2)

struct fixture {
    char state[64];
    char folder[96];
    char path[128];
    struct journal_store *store;
    struct walk *walk;
    struct pool *pool;
    struct walk_message m;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->state, sizeof f->state, "/tmp/poterne-walk.XXXXXX");
    assert_non_null(mkdtemp(f->state));
    snprintf(f->folder, sizeof f->folder, "%s/journal", f->state);
    snprintf(f->path, sizeof f->path, "%s/journal.sqlite", f->folder);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    f->pool = pool_new(64 * 1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[512];
    walk_close(&f->walk);
    journal_store_close(&f->store);
    pool_free(&f->pool);
    DIR *dir = opendir(f->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", f->folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
    assert_int_equal(rmdir(f->state), 0);
    free(f);
    return 0;
}

static void open_store(struct fixture *f)
{
    struct err err = {""};
    f->store = journal_store_open(f->folder, &err);
    if (f->store == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->store);
}

/* The id number n of a time. */
static struct str id_at(int64_t time_us, unsigned n, char id[32])
{
    char text[TIME_ID_SIZE];
    struct str head = time_id(time_us, text);
    snprintf(id, 32, "%.*s%016u", STR_ARG(head), n);
    return str_of(id);
}

static void apply(struct fixture *f, const struct event *event)
{
    struct err err = {""};
    int result = journal_store_apply(f->store, event, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
}

static void commit(struct fixture *f)
{
    struct err err = {""};
    assert_int_equal(journal_store_commit(f->store, &err), 0);
}

static void put_accepted(struct fixture *f, struct str id, int64_t time_us)
{
    const struct event e = {.kind = EVENT_ACCEPTED,
                            .accepted = {.id = id,
                                         .time_us = time_us,
                                         .sender = STR("a@b.example"),
                                         .n = 2,
                                         .recipients = STR("c@univ.example\nd@univ.example"),
                                         .size = 5300,
                                         .held = true}};
    apply(f, &e);
}

static void put_message(struct fixture *f, struct str id, int64_t time_us)
{
    const struct event e = {.kind = EVENT_MESSAGE,
                            .message = {.id = id, .time_us = time_us, .evidence = STR("{}")}};
    apply(f, &e);
}

static void put_recipient(struct fixture *f, struct str id, uint32_t index,
                          enum recipient_state state, int64_t time_us)
{
    const struct event e = {.kind = EVENT_RECIPIENT,
                            .recipient = {.id = id,
                                          .index = index,
                                          .address = STR("c@univ.example"),
                                          .how = STR("file people"),
                                          .state = state,
                                          .time_us = time_us,
                                          .relay = STR("192.0.2.10:24"),
                                          .detail = STR("250 saved")}};
    apply(f, &e);
}

static int64_t number(const struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static int swept(struct fixture *f, unsigned keep_days, size_t size_limit)
{
    struct err err = {""};
    struct conf_journal conf = {.keep = keep_days * 86400, .size_limit = size_limit};
    int rows, all = 0;
    do {
        rows = journal_store_sweep(f->store, &conf, NOW_US, NOW_US, &err);
        assert_true(rows >= 0);
        all += rows;
    } while (rows > 0);
    return all;
}

/* --- what is written --- */

/* What was accepted goes with its message; what was lost stays as long as a message would, also
 * where the journal is too large. */
static void acceptances_go_with_their_messages(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], c[32], d[32];
    int64_t long_ago = NOW_US - 40 * DAY_US, young_us = NOW_US - 2 * DAY_US;
    struct str old = id_at(long_ago, 1, a), held = id_at(long_ago, 2, b);
    struct str lost = id_at(long_ago, 3, c), young = id_at(young_us, 4, d);
    struct event audit = {.kind = EVENT_AUDIT, .audit = {.time_us = long_ago}};
    open_store(f);
    for (int i = 0; i < 2; i++) {
        put_accepted(f, old, long_ago + i);
        put_accepted(f, held, long_ago);
        put_accepted(f, lost, long_ago);
        put_accepted(f, young, young_us);
    }
    put_message(f, old, long_ago);
    put_recipient(f, old, 0, RCPT_DELIVERED, long_ago);
    put_recipient(f, old, 1, RCPT_DELIVERED, long_ago);
    put_message(f, held, long_ago);
    put_recipient(f, held, 0, RCPT_HELD, long_ago);
    apply(f, &audit);
    audit.audit.time_us = young_us;
    apply(f, &audit);
    apply(f, &audit);
    commit(f);
    assert_int_equal(number(f, "SELECT count(*) FROM accepted"), 4);
    assert_int_equal(number(f, "SELECT count(*) FROM audit"), 2);
    assert_int_equal(swept(f, 50, SIZE_MAX / 2), 0);
    /* too large by far: what is settled goes, the lost ones stay */
    assert_int_equal(swept(f, 50, 1), 6);
    assert_int_equal(number(f, "SELECT count(*) FROM accepted"), 3);
    /* of the age: the lost one, and the old audit */
    assert_int_equal(swept(f, 30, SIZE_MAX / 2), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM accepted"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM audit"), 1);
}

/* Delivery tells of a message when it takes it up, of a recipient when he was tried: for want of
 * room nothing is forgotten of what is owed to somebody. */
static void what_was_not_tried_is_not_forgotten_for_size(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], c[32], d[32];
    int64_t long_ago = NOW_US - 40 * DAY_US;
    struct str untried = id_at(long_ago, 1, a), half = id_at(long_ago, 2, b);
    struct str unrecorded = id_at(long_ago, 3, c), orphan = id_at(long_ago, 4, d);
    open_store(f);
    put_accepted(f, untried, long_ago);
    put_message(f, untried, long_ago);
    put_accepted(f, half, long_ago);
    put_message(f, half, long_ago);
    put_recipient(f, half, 0, RCPT_DELIVERED, long_ago);
    put_message(f, unrecorded, long_ago);
    put_accepted(f, orphan, long_ago);
    put_recipient(f, orphan, 1, RCPT_DELIVERED, long_ago);
    commit(f);
    assert_int_equal(swept(f, 50, 1), 0);
    put_recipient(f, half, 1, RCPT_DELIVERED, long_ago);
    commit(f);
    assert_int_equal(swept(f, 50, 1), 6);
    assert_int_equal(number(f, "SELECT count(*) FROM message"), 2);
    assert_int_equal(number(f, "SELECT count(*) FROM accepted"), 2);
    /* age takes them all */
    assert_int_equal(swept(f, 30, SIZE_MAX / 2), 6);
}

static void version_4_is_taken_over(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32];
    sqlite3 *db;
    open_store(f);
    put_message(f, id_at(NOW_US, 1, a), NOW_US);
    commit(f);
    journal_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE closed; DROP TABLE swept;"
                                  "DROP TABLE accepted; DROP TABLE audit; PRAGMA user_version = 4",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    open_store(f);
    put_accepted(f, id_at(NOW_US, 2, b), NOW_US);
    commit(f);
    assert_int_equal(number(f, "SELECT count(*) FROM message"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM accepted"), 1);
    assert_int_equal(number(f, "PRAGMA user_version"), 6);
}

static void the_last_audit_is_found(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct event_audit last;
    struct event e = {.kind = EVENT_AUDIT,
                      .audit = {.time_us = 5,
                                .duration_ms = 7,
                                .messages = 11,
                                .recipients = 13,
                                .findings = 2,
                                .failure = STR("why"),
                                .summary = STR("{}")}};
    open_store(f);
    struct journal *journal = journal_open(f->folder, &err);
    assert_non_null(journal);
    assert_int_equal(journal_last_audit(journal, f->pool, &last, &err), 0);
    apply(f, &e);
    apply(f, &e);
    commit(f);
    assert_int_equal(journal_last_audit(journal, f->pool, &last, &err), 1);
    assert_true(last.time_us == 5 && last.duration_ms == 7 && last.messages == 11);
    assert_true(last.recipients == 13 && last.findings == 2);
    assert_str(last.failure, "why");
    assert_str(last.summary, "{}");
    /* which was made while the clock was ahead */
    e.audit.time_us = 3;
    e.audit.findings = 7;
    apply(f, &e);
    e.audit.time_us = 2;
    e.audit.findings = 8;
    apply(f, &e);
    commit(f);
    assert_int_equal(journal_last_audit(journal, f->pool, &last, &err), 1);
    assert_true(last.time_us == 2 && last.findings == 8);
    assert_int_equal(number(f, "SELECT count(*) FROM audit"), 1);
    journal_close(&journal);
}

/* --- what is read --- */

static void begin(struct fixture *f, bool outcomes, const char *from, const char *before)
{
    struct err err = {""};
    walk_close(&f->walk);
    f->walk = walk_open(f->state, outcomes, &err);
    if (f->walk == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->walk);
    assert_int_equal(walk_begin(f->walk, str_of(from), str_of(before), &err), 0);
}

static int next(struct fixture *f)
{
    struct err err = {""};
    pool_reset(f->pool);
    int got = walk_next(f->walk, f->pool, &f->m, &err);
    if (got < 0)
        print_error("%s\n", err.text);
    return got;
}

static void all_that_is_known_comes_together(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], c[32];
    struct str first = id_at(NOW_US, 1, a), second = id_at(NOW_US, 2, b);
    struct str third = id_at(NOW_US, 3, c);
    open_store(f);
    put_accepted(f, first, NOW_US);
    put_message(f, second, NOW_US);
    put_recipient(f, second, 1, RCPT_DELIVERED, NOW_US + 9);
    put_recipient(f, second, 0, RCPT_DEFERRED, NOW_US + 1);
    put_recipient(f, second, 0, RCPT_RELEASED, NOW_US + 2);
    put_recipient(f, third, 0, RCPT_DELIVERED, NOW_US);
    commit(f);
    begin(f, true, "", "Z");
    assert_int_equal(next(f), 1);
    assert_true(str_eq(f->m.id, first));
    assert_true(f->m.accepted && f->m.accepted_held && !f->m.told);
    assert_int_equal(f->m.n_accepted, 2);
    assert_str(f->m.addresses, "c@univ.example\nd@univ.example");
    assert_str(f->m.sender, "a@b.example");
    assert_int_equal(f->m.n_recipients + f->m.n_outcomes, 0);
    assert_int_equal(next(f), 1);
    assert_true(str_eq(f->m.id, second));
    assert_true(!f->m.accepted && f->m.told);
    assert_int_equal(f->m.n_recipients, 2);
    assert_int_equal(f->m.recipients[0].state, RCPT_RELEASED);
    assert_int_equal(f->m.recipients[1].state, RCPT_DELIVERED);
    assert_int_equal(f->m.n_outcomes, 2); /* what was deferred is left out */
    assert_int_equal(f->m.outcomes[0].state, RCPT_RELEASED);
    assert_int_equal(f->m.outcomes[1].index, 1);
    assert_str(f->m.outcomes[1].detail, "250 saved");
    assert_int_equal(next(f), 1);
    assert_true(str_eq(f->m.id, third));
    assert_true(!f->m.accepted && !f->m.told && f->m.n_recipients == 1);
    assert_int_equal(next(f), 0);
    assert_int_equal(next(f), 0);
    begin(f, false, b, c);
    assert_int_equal(next(f), 1);
    assert_true(str_eq(f->m.id, second));
    assert_int_equal(f->m.n_outcomes, 0);
    assert_int_equal(next(f), 0);
}

/* Over several snapshots each is there once, and what comes meanwhile behind them too. */
static void many_are_read_in_order(void **state)
{
    struct fixture *f = *state;
    char id[32], last[32] = "";
    uint64_t n = 0;
    struct err err = {""};
    open_store(f);
    for (unsigned i = 0; i < MANY; i++) {
        put_accepted(f, id_at(NOW_US, i, id), NOW_US);
        if (i % 2)
            put_message(f, id_at(NOW_US, i, id), NOW_US);
    }
    commit(f);
    begin(f, true, "", "Z");
    assert_int_equal(walk_count(f->walk, STR(""), STR("Z"), &n, &err), 0);
    assert_int_equal(n, MANY / 2);
    for (n = 0; next(f) == 1; n++) {
        assert_true(str_cmp(f->m.id, str_of(last)) > 0);
        str_copy(f->m.id, last, sizeof last);
        if (n == 10) {
            put_accepted(f, id_at(NOW_US, MANY, id), NOW_US);
            commit(f);
        }
    }
    assert_int_equal(n, MANY + 1);
}

static void single_questions_are_answered(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], c[32];
    struct str open = id_at(NOW_US, 1, a), settled = id_at(NOW_US, 2, b);
    struct err err = {""};
    open_store(f);
    put_message(f, open, NOW_US);
    put_recipient(f, open, 0, RCPT_DEFERRED, NOW_US);
    put_message(f, settled, NOW_US);
    put_recipient(f, settled, 0, RCPT_DELIVERED, NOW_US);
    commit(f);
    begin(f, true, "", "Z");
    assert_int_equal(walk_knows(f->walk, open, &err), 1);
    assert_int_equal(walk_knows(f->walk, id_at(NOW_US, 3, c), &err), 0);
}

/* Since a journal begins it knows all, until it forgets. */
static void what_was_forgotten_is_known_by_its_last(void **state)
{
    struct fixture *f = *state;
    const struct conf_journal conf = {.keep = 90 * DAY_US / 1000000, .size_limit = 1ull << 40};
    char a[32], b[32], begun[TIME_ID_SIZE];
    struct str gone = id_at(4 * NOW_US, 1, a), there = id_at(4 * NOW_US + 1000000, 2, b), id;
    struct err err = {""};
    const int64_t gone_us = 4 * NOW_US + 90 * DAY_US + 500000;
    time_id((int64_t)time(NULL) * 1000000, begun);
    open_store(f);
    begin(f, true, "", "Z");
    assert_int_equal(walk_swept(f->walk, f->pool, &id, &err), 0);
    assert_true(str_cmp(id, str_of(begun)) >= 0 && str_cmp(id, gone) < 0);
    put_message(f, gone, 4 * NOW_US);
    put_recipient(f, gone, 0, RCPT_DELIVERED, 4 * NOW_US);
    put_message(f, there, 4 * NOW_US + 1000000);
    put_recipient(f, there, 0, RCPT_DELIVERED, 4 * NOW_US + 1000000);
    commit(f);
    while (journal_store_sweep(f->store, &conf, gone_us, gone_us, &err) > 0)
        ;
    begin(f, true, "", "Z");
    assert_int_equal(walk_swept(f->walk, f->pool, &id, &err), 0);
    assert_true(str_eq(id, gone));
    assert_int_equal(walk_knows(f->walk, there, &err), 1);
}

static void close_finding(struct fixture *f, const char *finding, const char *why, bool reopened)
{
    struct event e = {.kind = EVENT_CLOSED,
                      .closed = {.time_us = NOW_US,
                                 .id = STR("01K"),
                                 .finding = str_of(finding),
                                 .why = str_of(why),
                                 .reopened = reopened}};
    struct err err = {""};
    assert_int_equal(journal_store_apply(f->store, &e, &err), 0);
    commit(f);
}

static void what_was_closed_is_known_until_it_is_old(void **state)
{
    struct fixture *f = *state;
    const struct conf_journal conf = {.keep = 90 * DAY_US / 1000000, .size_limit = 1ull << 40};
    struct err err = {""};
    struct str why;
    open_store(f);
    close_finding(f, "lost", "by jean: told", false);
    close_finding(f, "lost", "by jean: told twice", false);
    close_finding(f, "untold", "by jean", false);
    close_finding(f, "untold", "", true);
    begin(f, true, "", "Z");
    assert_int_equal(walk_closed(f->walk, STR("01K"), STR("lost"), f->pool, &why, &err), 1);
    assert_str(why, "by jean: told twice");
    assert_int_equal(walk_closed(f->walk, STR("01K"), STR("untold"), f->pool, &why, &err), 0);
    assert_int_equal(walk_closed(f->walk, STR("01L"), STR("lost"), f->pool, &why, &err), 0);
    walk_end(f->walk);
    const int64_t young_us = NOW_US + 89 * DAY_US, old_us = NOW_US + 91 * DAY_US;
    assert_int_equal(journal_store_sweep(f->store, &conf, young_us, young_us, &err), 0);
    /* by a clock that is not believed it is not old */
    assert_int_equal(journal_store_sweep(f->store, &conf, old_us, young_us, &err), 0);
    assert_int_equal(walk_closed(f->walk, STR("01K"), STR("lost"), f->pool, &why, &err), 1);
    assert_int_equal(journal_store_sweep(f->store, &conf, old_us, old_us, &err), 1);
    assert_int_equal(walk_closed(f->walk, STR("01K"), STR("lost"), f->pool, &why, &err), 0);
}

static void a_journal_of_before_has_no_acceptances(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct str text;
    char a[32];
    sqlite3 *db;
    open_store(f);
    put_message(f, id_at(NOW_US, 1, a), NOW_US);
    commit(f);
    journal_store_close(&f->store);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE accepted; PRAGMA user_version = 4", 0, 0, 0),
                     SQLITE_OK);
    begin(f, true, "", "Z");
    assert_int_equal(next(f), 1);
    assert_true(!f->m.accepted && f->m.told);
    assert_int_equal(walk_swept(f->walk, f->pool, &text, &err), 0);
    assert_true(str_cmp(text, f->m.id) > 0);
    assert_int_equal(walk_closed(f->walk, f->m.id, STR("lost"), f->pool, &text, &err), 0);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", 0, 0, 0), SQLITE_OK);
    sqlite3_close(db);
    walk_close(&f->walk);
    f->walk = walk_open(f->state, true, &err);
    assert_null(f->walk);
    assert_non_null(strstr(err.text, "schema 99"));
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(acceptances_go_with_their_messages),
        WITH_FOLDER(what_was_not_tried_is_not_forgotten_for_size),
        WITH_FOLDER(version_4_is_taken_over),
        WITH_FOLDER(the_last_audit_is_found),
        WITH_FOLDER(all_that_is_known_comes_together),
        WITH_FOLDER(many_are_read_in_order),
        WITH_FOLDER(single_questions_are_answered),
        WITH_FOLDER(what_was_forgotten_is_known_by_its_last),
        WITH_FOLDER(what_was_closed_is_known_until_it_is_old),
        WITH_FOLDER(a_journal_of_before_has_no_acceptances),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
