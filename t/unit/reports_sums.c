/* The sums against which limits are held: kept by the index while rows come and go. */
#include "t/unit/reports_fixture.h"

#include <sqlite3.h>

static sqlite3 *open_index(struct fixture *f)
{
    char path[128];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/index.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

/* The sums are what counting says. */
static void check_sums(struct fixture *f)
{
    sqlite3 *db = open_index(f);
    assert_int_equal(number(db, "SELECT count(*) FROM total"), 1);
    assert_int_equal(number(db, "SELECT waiting FROM total"),
                     number(db, "SELECT count(*) FROM proposal WHERE state = 0"));
    assert_int_equal(number(db, "SELECT bytes FROM total"),
                     number(db, "SELECT ifnull(sum(size), 0) FROM proposal WHERE kept = 1"));
    static const char counted[] =
        "SELECT lower(reporter), sum(state = 0), sum((state = 0) * size),"
        " sum(state IN (1, 2, 3)), min(number) FILTER (WHERE state = 0) FROM proposal"
        " GROUP BY reporter HAVING sum(state IN (0, 1, 2, 3))";
    static const char kept[] = "SELECT lower(reporter), waiting, bytes, agreed, oldest FROM tally";
    char sql[1024];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s EXCEPT %s)", counted, kept);
    assert_int_equal(number(db, sql), 0);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s EXCEPT %s)", kept, counted);
    assert_int_equal(number(db, sql), 0);
    sqlite3_close(db);
}

static void add_some(struct fixture *f, uint64_t first, unsigned n, uint64_t waiting)
{
    static const char *const who[] = {"a@example.org", "A@Example.ORG", "b@example.org",
                                      "c@example.org"};
    const struct proposal_limits limits = {waiting, 1000, (uint64_t)1 << 30};
    for (unsigned i = 0; i < n; i++) {
        char text[128];
        enum proposal_added added;
        struct proposal p = a_report(first + i, who[i * 7 % 4]);
        int length = snprintf(text, sizeof text, "Subject: x\r\n\r\n%.*s", (int)(i % 60),
                              "............................................................");
        assert_int_equal(proposals_add(f->store, &limits, &p, str_n(text, (size_t)length), &added,
                                       &f->err),
                         0);
    }
}

static void learned(struct fixture *f, uint64_t n)
{
    const struct proposal_taught taught = {n, PROPOSAL_LEARNED, STR_EMPTY};
    assert_int_equal(proposals_taught(f->store, &taught, 1, NOW_US, &f->err), 0);
}

static void test_sums_are_kept(void **state)
{
    struct fixture *f = *state;
    const struct proposal_lifetimes lifetimes = {30 * DAY_US, 100 * DAY_US};
    open_store(f);
    check_sums(f);
    add_some(f, 1, 60, 1000);
    check_sums(f);
    const struct proposal_range some = {5, 20};
    decide(f, true, (struct proposal_choice){.ranges = &some, .n_ranges = 1});
    learned(f, 7);
    for (uint64_t n = 30; n < 40; n++)
        decide_one(f, false, n);
    decide_one(f, true, 31);
    check_sums(f);
    add_some(f, 100, 30, 36); /* others give way */
    check_sums(f);
    const struct proposal_limits tight = {1000, 1000, 1500};
    struct proposal large = a_report(900, "d@example.org");
    char text[600] = "Subject: x\r\n\r\n";
    memset(text + strlen(text), 'x', sizeof text - strlen(text));
    enum proposal_added added;
    assert_int_equal(proposals_add(f->store, &tight, &large, str_n(text, sizeof text), &added,
                                   &f->err),
                     0);
    check_sums(f); /* originals of what was decided have gone */
    assert_true(proposals_sweep(f->store, &lifetimes, NOW_US + 50 * DAY_US, &f->err) > 0);
    check_sums(f);
    while (proposals_sweep(f->store, &lifetimes, NOW_US + 300 * DAY_US, &f->err) > 0)
        check_sums(f);
    open_store(f);
    check_sums(f);
}

/* Made anew from the files, they are the same. */
static void test_sums_of_a_new_index(void **state)
{
    struct fixture *f = *state;
    char path[128];
    open_store(f);
    add_some(f, 1, 40, 1000);
    decide_one(f, false, 3);
    proposals_close(&f->store);
    snprintf(path, sizeof path, "%s/index.sqlite", f->folder);
    assert_int_equal(unlink(path), 0);
    open_store(f);
    check_sums(f);
}

/* An index without sums, as the first version wrote it, gets them. */
static void test_an_older_index_gets_them(void **state)
{
    struct fixture *f = *state;
    open_store(f);
    add_some(f, 1, 40, 1000);
    decide_one(f, true, 3);
    decide_one(f, false, 4);
    proposals_close(&f->store);
    sqlite3 *db = open_index(f);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER proposal_comes; DROP TRIGGER proposal_goes;"
                                  "DROP TRIGGER proposal_keeps; DROP TABLE tally; DROP TABLE total;"
                                  "DROP INDEX proposal_spare; DROP INDEX proposal_state;"
                                  "CREATE INDEX proposal_state ON proposal (state, reporter, size);"
                                  "CREATE INDEX proposal_kept ON proposal (kept, size);"
                                  "PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    struct proposals *view = proposals_view(f->folder, &f->err);
    assert_non_null(view); /* who only looks needs none */
    proposals_close(&view);
    open_store(f);
    check_sums(f);
    assert_int_equal(add(f, a_report(77, "a@example.org")), PROPOSAL_NEW);
    assert_int_equal(load(f, 41).digest, 77);
    check_sums(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sums_are_kept),
        TEST(test_sums_of_a_new_index),
        TEST(test_an_older_index_gets_them),
    };
    return tap_run(tests, NULL, NULL);
}
