/* A copy of the journal, what it says is still to be done, and what it is told when it comes back.
 */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/fsio.h"
#include "base/log.h"
#include "journal/left_out.h"
#include "journal/snapshot.h"
#include "journal/store.h"
#include "journal/time_id.h"

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

/* --- when it comes back --- */

#define N_IDS 6
enum { LEFT, LATE, LOST, HERE, LATE_DONE, UNKNOWN };

/* The messages of a backup, and those whose files are here. */
struct machine {
    char ids[N_IDS][32];
    const int *kept;
    size_t n_kept;
    bool here[N_IDS];
};

static bool next_kept(void *data, struct str *id)
{
    struct machine *m = data;
    if (m->n_kept == 0)
        return false;
    m->n_kept--;
    *id = str_of(m->ids[*m->kept++]);
    return true;
}

static int is_here(void *data, struct str id, struct err *err)
{
    const struct machine *m = data;
    (void)err;
    for (size_t i = 0; i < N_IDS; i++)
        if (str_eq(id, str_of(m->ids[i])))
            return m->here[i];
    return 0;
}

static void make_messages(struct fixture *f, struct machine *m)
{
    for (int i = 0; i < N_IDS; i++) {
        char head[TIME_ID_SIZE];
        int64_t time_us = NOW_US + (i == LATE || i == LATE_DONE ? 10 : -10) * (int64_t)1000000;
        struct str id = time_id(time_us, head);
        snprintf(m->ids[i], sizeof m->ids[i], "%.*s%016d", STR_ARG(id), i);
        struct event e = {.kind = EVENT_ACCEPTED,
                          .accepted = {.id = str_of(m->ids[i]), .time_us = time_us, .n = 1}};
        if (i != UNKNOWN)
            apply(f, &e);
        e = (struct event){.kind = EVENT_RECIPIENT,
                           .recipient = {.id = str_of(m->ids[i]),
                                         .state = i == LATE_DONE ? RCPT_DELIVERED : RCPT_DEFERRED,
                                         .time_us = time_us}};
        if (i == LATE_DONE || i == LEFT)
            apply(f, &e);
    }
}

/* How many findings are closed of one; of all where it is NULL. */
static int closed_of(const struct fixture *f, const char *id)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char path[128];
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT count(*) FROM closed WHERE ?1 IS NULL OR id = ?1",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int n = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return n;
}

static uint64_t tell(struct fixture *f, struct machine *m, bool journal)
{
    static const int kept[] = {LEFT, HERE, LEFT, UNKNOWN};
    const struct left_out wish = {.next = next_kept,
                                  .is_here = is_here,
                                  .data = m,
                                  .journal = journal,
                                  .since_us = NOW_US,
                                  .now_us = NOW_US + 60 * (int64_t)1000000,
                                  .why = STR("restored"),
                                  .lost = STR("lost"),
                                  .held_gone = STR("held_gone")};
    struct err err = {""};
    uint64_t n;
    m->kept = kept;
    m->n_kept = sizeof kept / sizeof kept[0];
    if (journal_left_out(f->folder, &wish, &n, &err) < 0)
        fail_msg("%s", err.text);
    return n;
}

static void what_did_not_come_back_is_not_lost(void **state)
{
    struct fixture *f = *state;
    struct machine m = {.here = {[HERE] = true}};
    struct err err = {""};
    make_messages(f, &m);
    const struct event by_hand = {.kind = EVENT_CLOSED,
                                  .closed = {.time_us = NOW_US,
                                             .id = str_of(m.ids[HERE]),
                                             .finding = STR("lost"),
                                             .why = STR("jean: told them")}};
    apply(f, &by_hand);
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    journal_store_close(&f->store);
    assert_int_equal(tell(f, &m, true), 3);
    assert_int_equal(closed_of(f, m.ids[LEFT]), 2);
    assert_int_equal(closed_of(f, m.ids[LATE]), 2);
    assert_int_equal(closed_of(f, m.ids[UNKNOWN]), 2);
    /* what was lost before the backup stays so; what is here can be lost again */
    assert_int_equal(closed_of(f, NULL), 6);
    assert_int_equal(tell(f, &m, true), 3);
    assert_int_equal(closed_of(f, NULL), 6);
    /* the queue comes back later */
    m.here[LEFT] = true;
    assert_int_equal(tell(f, &m, false), 0);
    assert_int_equal(closed_of(f, m.ids[LEFT]), 0);
    assert_int_equal(closed_of(f, NULL), 4);
    f->store = journal_store_open(f->folder, &err);
    assert_non_null(f->store);
}

/* No bounce of the time before is missed. */
static void what_it_forgot_ends_with_its_newest(void **state)
{
    struct fixture *f = *state;
    struct machine m = {.here = {false}};
    struct err err = {""};
    sqlite3 *db;
    sqlite3_stmt *stmt;
    char path[128];
    make_messages(f, &m);
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    journal_store_close(&f->store);
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    /* of an earlier poterne */
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE closed; DROP TABLE swept; PRAGMA user_version = 5",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(tell(f, &m, true), 4);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT id FROM swept", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), m.ids[LATE_DONE]);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_JOURNAL(who_was_not_tried_is_owed),
        WITH_JOURNAL(without_an_acceptance_one_outcome_is_enough),
        WITH_JOURNAL(what_did_not_come_back_is_not_lost),
        WITH_JOURNAL(what_it_forgot_ends_with_its_newest),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
