/* A copy of the journal, and what it says is still to be done. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fsio.h"
#include "base/log.h"
#include "journal/snapshot.h"
#include "journal/store.h"

#define NOW_US ((int64_t)1792000000 * 1000000)
#define ID     STR("01JZZZZZZZZZZZZZZZZZZZZZZ1")

struct fixture {
    char state[64], folder[96], copy[96];
    struct journal_store *store;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    assert_non_null(f);
    snprintf(f->state, sizeof f->state, "/tmp/poterne-snapshot.XXXXXX");
    assert_non_null(mkdtemp(f->state));
    snprintf(f->folder, sizeof f->folder, "%s/journal", f->state);
    snprintf(f->copy, sizeof f->copy, "%s/copy", f->state);
    assert_int_equal(mkdir(f->folder, 0700), 0);
    f->store = journal_store_open(f->folder, &err);
    assert_non_null(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    journal_store_close(&f->store);
    assert_int_equal(fsio_empty_dir(f->folder, &err), 0);
    assert_int_equal(rmdir(f->folder), 0);
    assert_int_equal(fsio_empty_dir(f->state, &err), 0);
    assert_int_equal(rmdir(f->state), 0);
    free(f);
    return 0;
}

static void apply(struct fixture *f, const struct event *event)
{
    struct err err = {""};
    assert_int_equal(journal_store_apply(f->store, event, &err), 0);
}

static void put_accepted(struct fixture *f, uint32_t n)
{
    const struct event e = {
        .kind = EVENT_ACCEPTED,
        .accepted = {.id = ID, .time_us = NOW_US, .n = n, .recipients = STR("c@univ.example")}};
    apply(f, &e);
}

static void put_recipient(struct fixture *f, uint32_t index, enum recipient_state state)
{
    const struct event e = {.kind = EVENT_RECIPIENT,
                            .recipient = {.id = ID,
                                          .index = index,
                                          .address = STR("c@univ.example"),
                                          .state = state,
                                          .time_us = NOW_US + (int64_t)state,
                                          .detail = STR("250 saved")}};
    apply(f, &e);
}

/* What a copy of now says of the message. */
static int is_open(struct fixture *f)
{
    struct journal_snapshot *copy;
    struct err err = {""};
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    unlink(f->copy);
    assert_int_equal(journal_snapshot(f->state, f->copy, &copy, &err), 1);
    int open = journal_snapshot_open(copy, ID, &err);
    journal_snapshot_close(&copy);
    return open;
}

static void who_was_not_tried_is_owed(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(is_open(f), 1); /* nothing is known of it */
    put_accepted(f, 3);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 0, RCPT_REDIRECTED);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 2, RCPT_DELIVERED);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 1, RCPT_DEFERRED);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 1, RCPT_RETURNING);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 1, RCPT_FAILED);
    assert_int_equal(is_open(f), 0);
}

/* Mail of our own has no acceptance, nor has any in a journal of before. */
static void without_an_acceptance_one_outcome_is_enough(void **state)
{
    struct fixture *f = *state;
    char path[128];
    sqlite3 *db;
    struct err err = {""};
    put_recipient(f, 0, RCPT_HELD);
    assert_int_equal(is_open(f), 1);
    put_recipient(f, 0, RCPT_DELETED);
    assert_int_equal(is_open(f), 0);
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE accepted; PRAGMA user_version = 4", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(is_open(f), 0);
    assert_int_equal(journal_snapshot("/nonexistent", f->copy, &(struct journal_snapshot *){NULL},
                                      &err),
                     0);
}

#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(who_was_not_tried_is_owed),
        WITH_JOURNAL(without_an_acceptance_one_outcome_is_enough),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
