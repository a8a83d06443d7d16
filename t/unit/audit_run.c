/* A whole audit: a journal and folders, read side by side. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/audit.h"
#include "base/fsio.h"
#include "base/log.h"
#include "journal/db.h"
#include "journal/store.h"
#include "journal/time_id.h"

#define SECOND_US ((int64_t)1000000)
#define HOUR_US   (3600 * SECOND_US)
#define DAY_US    (24 * HOUR_US)
#define NOW_US    (1792000000 * SECOND_US)
#define KEEP_S    (uint64_t)(90 * DAY_US / SECOND_US)

struct fixture {
    char state[64];
    struct journal_store *store;
    char seen[512]; /* "kind id recipient;" of each finding, in order */
    struct audit_result result;
};

static const char *const folders[] = {"journal", "queue",   "quarantine",
                                      "kept",    "corrupt", "incoming"};
#define FOLDERS (sizeof folders / sizeof folders[0])

static void in_state(const struct fixture *f, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", f->state, name);
}

/* A journal begins when it is made, and these messages are of another time. */
static void begin_long_ago(const struct fixture *f)
{
    char path[256];
    sqlite3 *db;
    in_state(f, "journal/" JOURNAL_FILE, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE swept SET id = ''", 0, 0, 0), SQLITE_OK);
    sqlite3_close(db);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    char path[256];
    assert_non_null(f);
    snprintf(f->state, sizeof f->state, "/tmp/poterne-audit.XXXXXX");
    assert_non_null(mkdtemp(f->state));
    for (size_t i = 0; i < FOLDERS; i++) {
        in_state(f, folders[i], path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    in_state(f, "journal", path);
    f->store = journal_store_open(path, &err);
    if (f->store == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->store);
    begin_long_ago(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    char path[256];
    journal_store_close(&f->store);
    for (size_t i = 0; i < FOLDERS; i++) {
        in_state(f, folders[i], path);
        assert_int_equal(fsio_empty_dir(path, &err), 0);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(f->state), 0);
    free(f);
    return 0;
}

static void put_file(const struct fixture *f, const char *folder, const char *name)
{
    char inside[128], path[256];
    snprintf(inside, sizeof inside, "%s/%s", folder, name);
    in_state(f, inside, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

/* --- the journal --- */

/* The id number n of a time. */
static struct str id_at(int64_t time_us, unsigned n, char id[32])
{
    char text[TIME_ID_SIZE];
    snprintf(id, 32, "%.*s%016u", STR_ARG(time_id(time_us, text)), n);
    return str_of(id);
}

static void apply(struct fixture *f, const struct event *event)
{
    struct err err = {""};
    if (journal_store_apply(f->store, event, &err) < 0 || journal_store_commit(f->store, &err) < 0)
        fail_msg("%s", err.text);
}

static void put_accepted(struct fixture *f, struct str id, int64_t time_us, const char *recipients)
{
    const struct event e = {.kind = EVENT_ACCEPTED,
                            .accepted = {.id = id,
                                         .time_us = time_us,
                                         .n = 1 + (strchr(recipients, '\n') != NULL),
                                         .recipients = str_of(recipients)}};
    apply(f, &e);
}

static void put_message(struct fixture *f, struct str id, int64_t time_us)
{
    const struct event e = {.kind = EVENT_MESSAGE,
                            .message = {.id = id, .time_us = time_us, .evidence = STR("{}")}};
    apply(f, &e);
}

static void put_recipient(struct fixture *f, struct str id, uint32_t index, const char *address,
                          enum recipient_state state, int64_t time_us, const char *detail)
{
    const struct event e = {.kind = EVENT_RECIPIENT,
                            .recipient = {.id = id,
                                          .index = index,
                                          .address = str_of(address),
                                          .state = state,
                                          .time_us = time_us,
                                          .relay = STR("hop"),
                                          .detail = str_of(detail)}};
    apply(f, &e);
}

/* One fails at once, and the bounce goes; the other is delivered two days later. */
static void put_bounced(struct fixture *f, int64_t at_us, char id[32], char bounce[32])
{
    char detail[100];
    struct str m = id_at(at_us, 1, id), b = id_at(at_us + 30 * SECOND_US, 2, bounce);
    snprintf(detail, sizeof detail, RECIPIENT_TOLD_BY "%s: 550 no such user", bounce);
    put_accepted(f, m, at_us, "x@n.example\ny@n.example");
    put_message(f, m, at_us);
    put_recipient(f, m, 0, "x@n.example", RCPT_FAILED, at_us + 31 * SECOND_US, detail);
    put_message(f, b, at_us + 30 * SECOND_US);
    put_recipient(f, b, 0, "a@b.example", RCPT_DELIVERED, at_us + 40 * SECOND_US, "250 ok");
    put_recipient(f, m, 1, "y@n.example", RCPT_DELIVERED, at_us + 2 * DAY_US, "250 ok");
}

static void sweep(struct fixture *f)
{
    struct err err = {""};
    const struct conf_journal conf = {.keep = KEEP_S, .size_limit = (uint64_t)1 << 40};
    int rows;
    while ((rows = journal_store_sweep(f->store, &conf, NOW_US, NOW_US, &err)) > 0)
        ;
    assert_int_equal(rows, 0);
}

/* --- the audit --- */

static void on_found(void *data, const struct finding *finding)
{
    struct fixture *f = data;
    size_t n = strlen(f->seen);
    snprintf(f->seen + n, sizeof f->seen - n, "%s %.*s%s%.*s%s%.*s%s;", finding_name(finding->kind),
             STR_ARG(finding->id), finding->recipient.n ? " " : "", STR_ARG(finding->recipient),
             finding->closed ? " (" : "", STR_ARG(finding->why), finding->closed ? ")" : "");
    assert_true(finding->found.n > 0);
    assert_true(strlen(finding_expected(finding->kind)) > 0);
    assert_true(strlen(finding_next(finding->kind)) > 0);
}

static void audit(struct fixture *f, struct audit_wish wish)
{
    struct err err = {""};
    f->seen[0] = '\0';
    wish.state_dir = f->state;
    wish.now_us = NOW_US;
    wish.found = on_found;
    wish.data = f;
    if (audit_run(&wish, &f->result, &err) < 0)
        fail_msg("%s", err.text);
}

/* What is found, in order, each as "kind id recipient;". */
#define EXPECT(f, wish, ...)                                                                       \
    do {                                                                                           \
        char wanted[sizeof(f)->seen];                                                              \
        snprintf(wanted, sizeof wanted, __VA_ARGS__);                                              \
        audit(f, wish);                                                                            \
        assert_string_equal((f)->seen, wanted);                                                    \
    } while (0)
#define ALL ((struct audit_wish){.quick = false})

/* 250 was said for it, whatever the clock showed. */
static void what_came_while_the_clock_was_ahead_is_looked_at(void **state)
{
    struct fixture *f = *state;
    char id[32];
    int64_t ahead_us = NOW_US + 3 * HOUR_US;
    put_accepted(f, id_at(ahead_us, 1, id), ahead_us, "a@x");
    EXPECT(f, ALL, "lost %s a@x;", id);
    EXPECT(f, ((struct audit_wish){.until_us = NOW_US}), "%s", "");
    EXPECT(f, ((struct audit_wish){.until_us = ahead_us + SECOND_US}), "lost %s a@x;", id);
}

static void what_could_not_be_stored_is_no_mail(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], c[32], name[64];
    id_at(NOW_US - HOUR_US, 1, a);
    id_at(NOW_US - HOUR_US, 2, b);
    id_at(NOW_US - HOUR_US, 3, c);
    put_file(f, "corrupt", a);
    snprintf(name, sizeof name, "%s.7", b);
    put_file(f, "corrupt", name);
    snprintf(name, sizeof name, "%s.unsaid", c);
    put_file(f, "corrupt", name);
    snprintf(name, sizeof name, "%s.txt", c);
    put_file(f, "corrupt", name);
    snprintf(name, sizeof name, "%s.", c);
    put_file(f, "corrupt", name);
    EXPECT(f, ALL, "set_aside %s;set_aside %s;unsaid %s;", a, b, c);
    EXPECT(f, ((struct audit_wish){.since_us = NOW_US}), "%s", "");
}

/* What it alone knew can't be proved. */
static void a_journal_that_was_replaced_is_told_of(void **state)
{
    struct fixture *f = *state;
    long long at = NOW_US / SECOND_US - 3600;
    char name[64];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "journal.sqlite.damaged-%lld%s", at,
                 (const char *[]){"", "-wal", "-shm"}[i]);
        put_file(f, "journal", name);
    }
    EXPECT(f, ALL, "journal journal.sqlite.damaged-%lld;", at);
    assert_int_equal(f->result.sums.findings, 1);
    /* but not of what came later */
    EXPECT(f, ((struct audit_wish){.since_us = (at + 1) * SECOND_US}), "%s", "");
}

static void two_files_are_two(void **state)
{
    struct fixture *f = *state;
    char id[32];
    put_accepted(f, id_at(NOW_US - HOUR_US, 1, id), NOW_US - HOUR_US, "a@x");
    put_file(f, "queue", id);
    EXPECT(f, ((struct audit_wish){.quick = true}), "%s", "");
    put_file(f, "quarantine", id);
    EXPECT(f, ((struct audit_wish){.quick = true}), "two_files %s;", id);
}

/* The bounce is settled before the message that it tells of, and forgotten before it. */
static void a_bounce_may_be_forgotten_first(void **state)
{
    struct fixture *f = *state;
    char id[32], bounce[32];
    put_bounced(f, NOW_US - 91 * DAY_US, id, bounce);
    EXPECT(f, ALL, "%s", "");
    assert_int_equal(f->result.messages, 2);
    sweep(f);
    EXPECT(f, ALL, "%s", "");
    assert_int_equal(f->result.messages, 1);
}

static void a_bounce_that_is_gone_is_missed(void **state)
{
    struct fixture *f = *state;
    char id[32], bounce[32], gone[32], detail[100];
    int64_t at_us = NOW_US - 89 * DAY_US;
    put_bounced(f, at_us, id, bounce);
    snprintf(detail, sizeof detail, RECIPIENT_TOLD_BY "%.*s: 550 no",
             STR_ARG(id_at(at_us + SECOND_US, 3, gone)));
    put_recipient(f, str_of(id), 2, "z@n.example", RCPT_FAILED, at_us + SECOND_US, detail);
    sweep(f);
    EXPECT(f, ALL, "bounce_gone %s z@n.example;", id);
}

static void put_closed(struct fixture *f, const char *id, const char *finding, bool reopened)
{
    const struct event e = {.kind = EVENT_CLOSED,
                            .closed = {.time_us = NOW_US,
                                       .id = str_of(id),
                                       .finding = str_of(finding),
                                       .why = STR("by jean: told her"),
                                       .reopened = reopened}};
    apply(f, &e);
}

static void what_was_closed_counts_no_more(void **state)
{
    struct fixture *f = *state;
    char a[32], b[32], name[64];
    put_accepted(f, id_at(NOW_US - HOUR_US, 1, a), NOW_US - HOUR_US, "a@x\nb@x");
    put_accepted(f, id_at(NOW_US - HOUR_US, 2, b), NOW_US - HOUR_US, "c@x");
    snprintf(name, sizeof name, "%s.unsaid", b);
    put_file(f, "corrupt", name);
    put_closed(f, a, "lost", false);
    put_closed(f, b, "unsaid", false);
    EXPECT(f, ALL, "lost %s c@x;", b);
    assert_int_equal(f->result.closed, 3);
    assert_int_equal(f->result.sums.findings, 1);
    assert_int_equal(f->result.sums.kinds[FINDING_LOST], 1);
    EXPECT(f, ((struct audit_wish){.closed_too = true}),
           "lost %s a@x (by jean: told her);lost %s b@x (by jean: told her);lost %s c@x;"
           "unsaid %s (by jean: told her);",
           a, a, b, b);
    EXPECT(f, ((struct audit_wish){.only = str_of(b)}), "lost %s c@x;", b);
    EXPECT(f, ((struct audit_wish){.only = str_of(a)}), "%s", "");
    put_closed(f, b, "unsaid", true);
    EXPECT(f, ((struct audit_wish){.only = str_of(b)}), "lost %s c@x;unsaid %s;", b, b);
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STATE(what_came_while_the_clock_was_ahead_is_looked_at),
        WITH_STATE(what_could_not_be_stored_is_no_mail),
        WITH_STATE(a_journal_that_was_replaced_is_told_of),
        WITH_STATE(two_files_are_two),
        WITH_STATE(a_bounce_may_be_forgotten_first),
        WITH_STATE(a_bounce_that_is_gone_is_missed),
        WITH_STATE(what_was_closed_counts_no_more),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
