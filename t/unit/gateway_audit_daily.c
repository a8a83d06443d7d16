/* When the daily audit is due, and what the digest says of the last one. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fsio.h"
#include "base/log.h"
#include "gateway/reports/audit_daily.h"
#include "journal/schema.h"

#define DAY_US ((int64_t)86400 * 1000000)
#define NOW_US ((int64_t)1792000000 * 1000000)

struct fixture {
    char state[64], folder[96];
    struct conf *conf;
    sqlite3 *db;
    struct pool *pool;
    struct audit_daily daily;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    struct buf text = BUF_INIT(1000);
    assert_non_null(f);
    snprintf(f->state, sizeof f->state, "/tmp/poterne-daily.XXXXXX");
    assert_non_null(mkdtemp(f->state));
    snprintf(f->folder, sizeof f->folder, "%s/journal", f->state);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    buf_addf(&text,
             "hostname = mx.uni.example\nstate_dir = %s\n"
             "domain uni.example { next_hop = smtp://127.0.0.1:1 }\n",
             f->state);
    f->conf = conf_parse(buf_str(&text), "test.conf", &err);
    if (f->conf == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->conf);
    buf_release(&text);
    f->pool = pool_new(1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    sqlite3_close(f->db);
    assert_int_equal(fsio_empty_dir(f->folder, &err), 0);
    assert_int_equal(rmdir(f->folder), 0);
    assert_int_equal(rmdir(f->state), 0);
    pool_free(&f->pool);
    conf_free(&f->conf);
    free(f);
    return 0;
}

/* As journal/store.h makes it, whose names are in the way of the other store's here. */
static void open_journal(struct fixture *f)
{
    const char *const all[] = {schema_create, schema_tally, schema_feedback, schema_signers,
                               schema_accepted};
    char path[128];
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &f->db), SQLITE_OK);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_int_equal(sqlite3_exec(f->db, all[i], NULL, NULL, NULL), SQLITE_OK);
}

static void put_audit(struct fixture *f, int64_t time_us, const char *failure)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "DELETE FROM audit; INSERT INTO audit VALUES (%lld, 1, 1, 1, 1, '%s',"
             " '{\"named\":[\"lost X\"]}')",
             (long long)time_us, failure);
    assert_int_equal(sqlite3_exec(f->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* The only line; empty: there is none. */
static const char *line(struct fixture *f, int64_t now_us)
{
    static char text[400];
    struct str lines[AUDIT_LINES_MAX] = {STR_EMPTY};
    assert_in_range(audit_lines(&f->daily, f->conf, now_us, f->pool, lines), 0, 1);
    snprintf(text, sizeof text, "%.*s", STR_ARG(lines[0]));
    return text;
}

static void no_audit_is_no_good_news(void **state)
{
    struct fixture *f = *state;
    audit_daily_start(&f->daily, f->conf, NOW_US);
    assert_string_equal(line(f, NOW_US + DAY_US / 2), "");
    assert_non_null(strstr(line(f, NOW_US + 2 * DAY_US), "can't be read: no journal"));
    open_journal(f);
    assert_string_equal(line(f, NOW_US + DAY_US / 2), "");
    assert_non_null(strstr(line(f, NOW_US + 2 * DAY_US), "no audit yet"));
    put_audit(f, NOW_US, "");
    assert_string_equal(line(f, NOW_US + DAY_US), "lost X");
    assert_non_null(strstr(line(f, NOW_US + 3 * DAY_US), "no audit for two days"));
    put_audit(f, NOW_US + DAY_US, "the disk");
    assert_non_null(strstr(line(f, NOW_US + DAY_US), "could not be done: the disk"));
}

/* What was done while the clock was ahead is no audit of now, and the next one doesn't wait. */
static void a_clock_set_back_is_noticed(void **state)
{
    struct fixture *f = *state;
    open_journal(f);
    audit_daily_start(&f->daily, f->conf, NOW_US + 4000 * DAY_US);
    put_audit(f, NOW_US + 4000 * DAY_US, "");
    f->daily.at_us = NOW_US + 4001 * DAY_US;
    assert_non_null(strstr(line(f, NOW_US), "no audit for two days"));
    audit_daily_tick(&f->daily, f->conf, NOW_US);
    assert_false(f->daily.running);
    assert_true(f->daily.at_us > NOW_US && f->daily.at_us < NOW_US + DAY_US);
    put_audit(f, NOW_US, "");
    assert_string_equal(line(f, NOW_US), "lost X");
}

/* --- which findings are named --- */

static void add(struct audit_named *named, enum finding_kind kind, unsigned n)
{
    char id[32];
    snprintf(id, sizeof id, "ID%04u", n);
    audit_named_add(named, &(struct finding){.kind = kind,
                                             .id = str_of(id),
                                             .recipient = STR("a@b.example"),
                                             .found = STR("gone\nfar")});
}

static const char *named_at(const json_t *list, size_t i)
{
    return json_string_value(json_array_get(list, i));
}

/* After a crash hundreds are found twice, every day; what was lost since is named. */
static void what_is_new_is_named_and_the_worst_first(void **state)
{
    struct audit_named named = {{NULL}};
    (void)state;
    for (unsigned i = 0; i < 300; i++)
        add(&named, FINDING_TWICE, i);
    add(&named, FINDING_LOST, 300);
    add(&named, FINDING_JOURNAL, 301);
    json_t *list = audit_named_list(&named);
    assert_int_equal(json_array_size(list), AUDIT_NAMED_MAX);
    assert_string_equal(named_at(list, 0), "lost ID0300 <a@b.example>: gone far");
    assert_non_null(strstr(named_at(list, 1), "twice ID0299"));
    assert_non_null(strstr(named_at(list, AUDIT_NAMED_MAX - 2), "twice ID0282"));
    assert_non_null(strstr(named_at(list, AUDIT_NAMED_MAX - 1), "journal ID0301"));
    json_decref(list);
    audit_named_release(&named);
}

static void lines_are_shared_among_the_kinds(void **state)
{
    struct audit_named named = {{NULL}};
    (void)state;
    json_t *list = audit_named_list(&named);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    for (unsigned i = 0; i < 50; i++)
        for (int kind = 0; kind < FINDING_KINDS; kind++)
            if (i < 2 || kind == FINDING_LOST || kind == FINDING_TWICE)
                add(&named, (enum finding_kind)kind, i);
    list = audit_named_list(&named);
    assert_int_equal(json_array_size(list), AUDIT_NAMED_MAX);
    for (int kind = 0; kind < FINDING_KINDS; kind++)
        assert_ptr_equal(strstr(named_at(list, (size_t)kind),
                                finding_name((enum finding_kind)kind)),
                         named_at(list, (size_t)kind));
    assert_non_null(strstr(named_at(list, 0), "lost ID0049"));
    json_decref(list);
    audit_named_add(&named, &(struct finding){.kind = FINDING_STALE, .id = STR("\xff\xfe")});
    audit_named_release(&named);
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STATE(no_audit_is_no_good_news),
        WITH_STATE(a_clock_set_back_is_noticed),
        cmocka_unit_test(what_is_new_is_named_and_the_worst_first),
        cmocka_unit_test(lines_are_shared_among_the_kinds),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
