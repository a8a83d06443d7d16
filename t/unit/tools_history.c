/* how often a rule hit in the last days, out of a journal made here */
#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal/store.h"
#include "journal/time_id.h"
#include "tools/rules_history.h"

struct fixture {
    char state[64];
    char folder[96];
    struct conf conf;
    struct journal_store *store;
    unsigned n; /* messages so far */
    struct rules_history history;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    assert_non_null(f);
    snprintf(f->state, sizeof f->state, "/tmp/poterne-history.XXXXXX");
    assert_non_null(mkdtemp(f->state));
    snprintf(f->folder, sizeof f->folder, "%s/journal", f->state);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    f->conf.state_dir = f->state;
    f->store = journal_store_open(f->folder, &err);
    if (f->store == NULL)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[512];
    journal_store_close(&f->store);
    DIR *dir = opendir(f->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", f->folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(f->folder);
    assert_int_equal(rmdir(f->state), 0);
    free(f);
    return 0;
}

/* Local time so many days ago, at that hour. */
static int64_t at(int days_ago, int hour)
{
    time_t now = time(NULL);
    struct tm tm;
    assert_non_null(localtime_r(&now, &tm));
    tm.tm_mday -= days_ago;
    tm.tm_hour = hour;
    tm.tm_min = tm.tm_sec = 0;
    tm.tm_isdst = -1;
    return (int64_t)mktime(&tm) * 1000000;
}

static void put(struct fixture *f, int64_t time_us, const char *verdict, const char *evidence)
{
    char head[TIME_ID_SIZE], id[64];
    struct err err = {""};
    snprintf(id, sizeof id, "%.*s%016u", STR_ARG(time_id(time_us, head)), f->n++);
    const struct event event = {.kind = EVENT_MESSAGE,
                                .message = {.id = str_of(id),
                                            .time_us = time_us,
                                            .client_ip = STR("192.0.2.9"),
                                            .sender = STR("a@b.example"),
                                            .verdict = str_of(verdict),
                                            .evidence = str_of(evidence)}};
    if (journal_store_apply(f->store, &event, &err) < 0)
        fail_msg("%s", err.text);
}

static void look(struct fixture *f, const char *rule)
{
    struct err err = {""};
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    if (rules_history_read(&f->conf, str_of(rule), &f->history, &err) < 0)
        fail_msg("%s", err.text);
}

static void check_day(const struct fixture *f, size_t day, size_t messages, size_t hits,
                      size_t spam)
{
    const struct rules_history_day *d = &f->history.days[day];
    assert_int_equal(d->from_us, at((int)day, 0));
    assert_int_equal(d->messages, messages);
    assert_int_equal(d->hits, hits);
    assert_int_equal(d->spam, spam);
}

#define BOTH  "{\"content\":{\"rules\":[{\"name\":\"OTHER\"},{\"name\":\"RULE\",\"score\":1}]}}"
#define OTHER "{\"content\":{\"rules\":[{\"name\":\"RULE_2\"},{\"name\":\"OTHER\"}]}}"

static void hits_are_counted_by_day(void **state)
{
    struct fixture *f = *state;
    put(f, at(0, 0), "spam", BOTH);
    put(f, at(0, 0), "ham", BOTH);
    put(f, at(0, 0), "ham", OTHER);
    put(f, at(1, 0), "spam", BOTH); /* midnight is that day's */
    put(f, at(0, 0) - 1, "spam", OTHER);
    put(f, at(6, 0), "ham", BOTH);
    put(f, at(6, 0) - 1, "spam", BOTH); /* too long ago */
    look(f, "RULE");
    check_day(f, 0, 3, 2, 1);
    check_day(f, 1, 2, 1, 1);
    for (size_t i = 2; i < 6; i++)
        check_day(f, i, 0, 0, 0);
    check_day(f, 6, 1, 1, 0);
    assert_false(f->history.cut);
    look(f, "RULE_2");
    check_day(f, 0, 3, 1, 0);
    look(f, "RUL");
    check_day(f, 0, 3, 0, 0);
}

static void evidence_without_rules_is_left_out(void **state)
{
    static const char *const evidence[] = {
        "", "{", "[]", "{\"content\":null}", "{\"content\":{\"rules\":{}}}", "\"RULE\""};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof evidence / sizeof *evidence; i++)
        put(f, at(0, 0), "spam", evidence[i]);
    put(f, at(0, 0), "spam", "{\"content\":{\"rules\":[3,{\"name\":4},{}]}}");
    look(f, "RULE");
    check_day(f, 0, 1, 0, 0);
}

static void no_journal_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    struct conf conf = {.state_dir = "/nonexistent"};
    assert_int_equal(rules_history_read(&conf, STR("RULE"), &f->history, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hits_are_counted_by_day, set_up, tear_down),
        cmocka_unit_test_setup_teardown(evidence_without_rules_is_left_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_journal_is_an_error, set_up, tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
