#include "t/unit/tap.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/log.h"
#include "journal/feedback.h"
#include "journal/store.h"
#include "journal/tally.h"
#include "journal/time_id.h"

#define DAY    ((int64_t)20780)
#define DAY_AT (DAY * TALLY_DAY_US)

struct fixture {
    char folder[64];
    struct journal_store *store;
    struct journal *journal;
    struct pool *pool;
    char evidence[4096];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct err err = {""};
    assert_non_null(f);
    snprintf(f->folder, sizeof f->folder, "/tmp/poterne-tally.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->pool = pool_new(64 * 1024 * 1024);
    f->store = journal_store_open(f->folder, &err);
    assert_non_null(f->store);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[512];
    journal_close(&f->journal);
    journal_store_close(&f->store);
    pool_free(&f->pool);
    DIR *dir = opendir(f->folder);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", f->folder, e->d_name);
        unlink(path);
    }
    closedir(dir);
    assert_int_equal(rmdir(f->folder), 0);
    free(f);
    return 0;
}

static void apply(struct fixture *f, const struct event *event)
{
    struct err err = {""};
    int result = journal_store_apply(f->store, event, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
}

/* What evidence_content.c writes, shortened to what is read. */
static const char *evidence(struct fixture *f, const char *verdict, const char *dmarc,
                            const char *more)
{
    snprintf(f->evidence, sizeof f->evidence,
             "{\"verdict\":\"%s\"%s,\"content\":{\"dkim\":["
             "{\"domain\":\"a.example\",\"selector\":\"s1\",\"result\":\"pass\"},"
             "{\"domain\":\"b.example\",\"selector\":\"s2\",\"result\":\"fail\"}],"
             "\"sender\":{\"spf\":{\"result\":\"softfail\",\"domain\":\"bounce.example\"},"
             "\"dmarc\":{%s}}}}",
             verdict, more, dmarc);
    return f->evidence;
}

#define DMARC(result, policy, applied, spf, dkim, vouched)                                         \
    "\"result\":\"" result "\",\"domain\":\"news.a.example\",\"record\":\"a.example\","            \
    "\"policy\":\"" policy "\",\"applied\":\"" applied "\",\"spf_aligned\":" spf                   \
    ",\"dkim_aligned\":" dkim ",\"published\":\"p=" policy "; adkim=r; aspf=r; t=n\","             \
    "\"vouched\":" vouched

static void put_message(struct fixture *f, const char *id, const char *held, const char *text)
{
    const struct event e = {.kind = EVENT_MESSAGE,
                            .message = {.id = str_of(id),
                                        .time_us = DAY_AT + 5,
                                        .client_ip = STR("192.0.2.9"),
                                        .sender = STR("x@Bounce.example"),
                                        .held = str_of(held),
                                        .verdict = STR("ham"),
                                        .evidence = str_of(text)}};
    apply(f, &e);
}

static void put_refused(struct fixture *f, int64_t time_us, uint32_t code, const char *text)
{
    const struct event e = {.kind = EVENT_REFUSED,
                            .refused = {.time_us = time_us,
                                        .session = STR("s1"),
                                        .client_ip = STR("192.0.2.9"),
                                        .stage = STR("content"),
                                        .code = code,
                                        .evidence = str_of(text)}};
    apply(f, &e);
}

static void put_tls(struct fixture *f, int64_t time_us, const char *ip, const char *result)
{
    const struct event e = {.kind = EVENT_TLS,
                            .tls = {.time_us = time_us,
                                    .domain = STR("a.example"),
                                    .policy_type = STR("sts"),
                                    .policy = STR("version: STSv1"),
                                    .sending_ip = STR("192.0.2.1"),
                                    .receiving_ip = str_of(ip),
                                    .result = str_of(result),
                                    .reason = STR("because")}};
    apply(f, &e);
}

static void open_reader(struct fixture *f)
{
    struct err err = {""};
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    if (f->journal == NULL)
        f->journal = journal_open(f->folder, &err);
    if (f->journal == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->journal);
}

static size_t dmarc_rows(struct fixture *f, struct tally_dmarc **rows)
{
    struct err err = {""};
    size_t n;
    open_reader(f);
    int result = tally_dmarc_rows(f->journal, DAY, STR("a.example"), f->pool, rows, &n, &err);
    if (result < 0)
        print_error("%s\n", err.text);
    assert_int_equal(result, 0);
    return n;
}

static void is(struct str text, const char *expected)
{
    if (!str_eq(text, str_of(expected)))
        print_error("\"%.*s\", not \"%s\"\n", STR_ARG(text), expected);
    assert_true(str_eq(text, str_of(expected)));
}

static void a_message_is_counted_once(void **state)
{
    struct fixture *f = *state;
    struct tally_dmarc *rows;
    const char *text =
        evidence(f, "ham", DMARC("pass", "reject", "none", "false", "true", "false"), "");
    put_message(f, "01A", "", text);
    put_message(f, "01A", "", text);
    put_message(f, "01B", "", text);
    assert_int_equal(dmarc_rows(f, &rows), 1);
    assert_int_equal(rows[0].n, 2);
    is(rows[0].published, "p=reject; adkim=r; aspf=r; t=n");
    is(rows[0].header_from, "news.a.example");
    is(rows[0].source_ip, "192.0.2.9");
    is(rows[0].envelope_from, "bounce.example");
    is(rows[0].spf, "bounce.example softfail");
    is(rows[0].dkim, "a.example s1 pass\nb.example s2 fail");
    is(rows[0].aligned, "dkim");
    is(rows[0].disposition, "pass");
    is(rows[0].override, "");
}

static void check_one(struct fixture *f, const char *id, const char *held, const char *text,
                      const char *disposition, const char *override)
{
    struct tally_dmarc *rows;
    bool there = false;
    put_message(f, id, held, text);
    size_t n = dmarc_rows(f, &rows);
    for (size_t i = 0; i < n; i++)
        there |= str_eq(rows[i].disposition, str_of(disposition)) &&
                 str_eq(rows[i].override, str_of(override));
    if (!there)
        print_error("no row of %s/%s\n", disposition, override);
    assert_true(there);
}

static void dispositions_and_overrides(void **state)
{
    struct fixture *f = *state;
    check_one(f, "01A", "forged: x",
              evidence(f, "forged",
                       DMARC("fail", "quarantine", "quarantine", "false", "false", "false"), ""),
              "quarantine", "");
    check_one(f, "01B", "forged: x",
              evidence(f, "forged", DMARC("fail", "reject", "reject", "false", "false", "false"),
                       ""),
              "quarantine", "local_policy");
    check_one(f, "01C", "",
              evidence(f, "spam", DMARC("fail", "reject", "none", "false", "false", "true"), ""),
              "none", "trusted_forwarder");
    check_one(f, "01D", "forged: x",
              evidence(f, "forged",
                       DMARC("fail", "reject", "quarantine", "false", "false", "false"), ""),
              "quarantine", "policy_test_mode");
    check_one(f, "01E", "",
              evidence(f, "ham", DMARC("temperror", "reject", "none", "false", "false", "false"),
                       ""),
              "none", "other");
    check_one(f, "01F", "",
              evidence(f, "ham", DMARC("pass", "none", "none", "true", "true", "false"), ""),
              "none", "");
    check_one(f, "01G", "virus",
              evidence(f, "infected", DMARC("fail", "reject", "reject", "false", "false", "false"),
                       ""),
              "none", "local_policy");
}

static void refusals_are_counted_but_not_deferrals(void **state)
{
    struct fixture *f = *state;
    struct tally_dmarc *rows;
    const char *text =
        evidence(f, "forged", DMARC("fail", "reject", "reject", "false", "false", "false"), "");
    put_refused(f, DAY_AT, 451, text);
    assert_int_equal(dmarc_rows(f, &rows), 0);
    put_refused(f, DAY_AT + 1, 550, text);
    put_refused(f, DAY_AT + 1, 550, text);
    assert_int_equal(dmarc_rows(f, &rows), 1);
    assert_int_equal(rows[0].n, 1);
    is(rows[0].disposition, "reject");
    is(rows[0].override, "");
    is(rows[0].envelope_from, "");
}

static void what_is_not_to_be_reported_is_not(void **state)
{
    struct fixture *f = *state;
    struct tally_dmarc *rows;
    static const char good[] = DMARC("pass", "reject", "none", "false", "true", "false");
    put_message(f, "01A", "", evidence(f, "ham", good, ",\"ours\":true"));
    put_message(f, "01B", "",
                evidence(f, "ham", "\"result\":\"pass\",\"record\":\"a.example\"", ""));
    put_message(f, "01C", "", "{\"published\":\"p=none\"");                /* no JSON */
    put_message(f, "01D", "", "{\"published\":\"p=none\",\"content\":7}"); /* another shape */
    put_message(f, "01E", "", "");
    /* a list of what are no signatures */
    snprintf(f->evidence, sizeof f->evidence,
             "{\"content\":{\"dkim\":[\"x\"],\"sender\":{\"dmarc\":{%s}}}}", good);
    put_message(f, "01F", "", f->evidence);
    assert_int_equal(dmarc_rows(f, &rows), 0);
    /* and the journal still works */
    put_message(f, "01G", "", evidence(f, "ham", good, ""));
    assert_int_equal(dmarc_rows(f, &rows), 1);
}

static void tls_sessions_are_counted(void **state)
{
    struct fixture *f = *state;
    struct tally_tls *rows;
    struct err err = {""};
    size_t n;
    put_tls(f, DAY_AT, "198.51.100.1", "");
    put_tls(f, DAY_AT + 1, "198.51.100.2", ""); /* one row: where it succeeded nobody asks */
    put_tls(f, DAY_AT + 1, "198.51.100.2", ""); /* sent again after a restart */
    put_tls(f, DAY_AT + 2, "198.51.100.2", "certificate-expired");
    put_tls(f, DAY_AT + TALLY_DAY_US, "198.51.100.2", ""); /* tomorrow's */
    open_reader(f);
    assert_int_equal(tally_tls_rows(f->journal, DAY, STR("a.example"), f->pool, &rows, &n, &err),
                     0);
    assert_int_equal(n, 2);
    is(rows[0].event.result, "");
    is(rows[0].event.receiving_ip, "");
    assert_int_equal(rows[0].n, 2);
    is(rows[1].event.result, "certificate-expired");
    is(rows[1].event.receiving_ip, "198.51.100.2");
    is(rows[1].event.reason, "because");
    assert_int_equal(rows[1].n, 1);
}

static void domains_of_a_day_with_what_was_lost(void **state)
{
    struct fixture *f = *state;
    struct tally_domain *domains;
    struct err err = {""};
    char ip[32];
    size_t n;
    for (int i = 0; i < TALLY_DOMAIN_ROWS_MAX + 3; i++) {
        snprintf(ip, sizeof ip, "198.51.%d.%d", i / 256, i % 256);
        put_tls(f, DAY_AT + i, ip, "validation-failure");
    }
    open_reader(f);
    assert_int_equal(tally_domains(f->journal, TALLY_TLS, DAY, f->pool, &domains, &n, &err), 0);
    assert_int_equal(n, 1);
    is(domains[0].domain, "a.example");
    assert_int_equal(domains[0].n, TALLY_DOMAIN_ROWS_MAX);
    assert_int_equal(domains[0].lost, 3);
    assert_int_equal(tally_domains(f->journal, TALLY_DMARC, DAY, f->pool, &domains, &n, &err), 0);
    assert_int_equal(n, 0);
}

static void old_days_are_forgotten(void **state)
{
    struct fixture *f = *state;
    struct conf_journal conf = {.keep = 90 * 86400, .size_limit = (uint64_t)1 << 40};
    struct tally_domain *domains;
    struct err err = {""};
    int64_t late = DAY_AT + (TALLY_KEEP_DAYS + 1) * TALLY_DAY_US;
    size_t n;
    put_tls(f, DAY_AT, "198.51.100.1", "");
    put_tls(f, DAY_AT + TALLY_DAY_US, "198.51.100.1", "");
    while (journal_store_sweep(f->store, &conf, late, late, &err) > 0)
        ;
    open_reader(f);
    assert_int_equal(tally_domains(f->journal, TALLY_TLS, DAY, f->pool, &domains, &n, &err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(tally_domains(f->journal, TALLY_TLS, DAY + 1, f->pool, &domains, &n, &err), 0);
    assert_int_equal(n, 1);
}

static size_t tls_domains(struct fixture *f, int64_t day)
{
    struct tally_domain *domains;
    struct err err = {""};
    size_t n;
    open_reader(f);
    assert_int_equal(tally_domains(f->journal, TALLY_TLS, day, f->pool, &domains, &n, &err), 0);
    return n;
}

static void sweep(struct fixture *f, unsigned keep, uint64_t size_limit, int64_t now_us)
{
    struct conf_journal conf = {.keep = keep, .size_limit = size_limit};
    struct err err = {""};
    assert_in_range(journal_store_sweep(f->store, &conf, now_us, now_us, &err), 0, INT32_MAX);
}

/* As long as the rest of the journal, but until they are reported; many at once. */
static void days_are_kept_as_the_journal_is(void **state)
{
    struct fixture *f = *state;
    static const uint64_t size = (uint64_t)1 << 40;
    struct event e = {.kind = EVENT_TLS,
                      .tls = {.policy_type = STR("sts"), .sending_ip = STR("192.0.2.1")}};
    char name[32];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        e.tls.time_us = DAY_AT + i;
        e.tls.domain = str_of(name);
        apply(f, &e);
    }
    sweep(f, 86400, size, DAY_AT + 3 * TALLY_DAY_US);
    assert_int_equal(tls_domains(f, DAY), 300);
    sweep(f, 7 * 86400, size, DAY_AT + 7 * TALLY_DAY_US);
    assert_int_equal(tls_domains(f, DAY), 300);
    sweep(f, 7 * 86400, size, DAY_AT + 8 * TALLY_DAY_US);
    assert_int_equal(tls_domains(f, DAY), 0);
}

static void nothing_is_counted_for_reports_that_are_not_sent(void **state)
{
    struct fixture *f = *state;
    struct tally_dmarc *rows;
    const char *text =
        evidence(f, "ham", DMARC("pass", "reject", "none", "false", "true", "false"), "");
    journal_store_count(f->store, false, false);
    put_message(f, "01A", "", text);
    put_refused(f, DAY_AT, 550, text);
    put_tls(f, DAY_AT, "198.51.100.1", "");
    assert_int_equal(dmarc_rows(f, &rows), 0);
    assert_int_equal(tls_domains(f, DAY), 0);
    journal_store_count(f->store, true, false);
    put_message(f, "01B", "", text);
    put_tls(f, DAY_AT + 1, "198.51.100.1", "");
    assert_int_equal(dmarc_rows(f, &rows), 1);
    assert_int_equal(tls_domains(f, DAY), 0);
    journal_store_count(f->store, true, true);
    put_tls(f, DAY_AT + 2, "198.51.100.1", "");
    assert_int_equal(tls_domains(f, DAY), 1);
}

/* What strangers make us keep takes its share and no more: the mail's journal stays. */
static void strangers_push_nothing_out(void **state)
{
    struct fixture *f = *state;
    static const uint64_t size = 20 * 1024 * 1024;
    static char long_text[2000];
    struct journal_totals totals;
    struct feedback_sum *sums;
    struct tally_domain *domains;
    struct err err = {""};
    char name[300], id[TIME_ID_SIZE];
    size_t n;
    memset(long_text, 'x', sizeof long_text);
    time_id(DAY_AT, id);
    put_message(f, id, "", "{}");
    sweep(f, 90 * 86400, size, DAY_AT);
    for (int i = 0; i < 12000; i++) {
        snprintf(name, sizeof name, "r%d", i / 100);
        const struct event report = {.kind = EVENT_FEEDBACK,
                                     .feedback = {.report = {.time_us = DAY_AT + i,
                                                             .message = STR("01B"),
                                                             .org = STR("Big"),
                                                             .report_id = str_of(name)},
                                                  .domain = STR("univ.example"),
                                                  .index = (uint32_t)(i % 100),
                                                  .n = 1,
                                                  .source_ip = STR("192.0.2.1"),
                                                  .results = str_n(long_text, sizeof long_text)}};
        apply(f, &report);
        snprintf(name, sizeof name, "198.51.%d.%d %.200s", i / 256, i % 256, long_text);
        put_tls(f, DAY_AT + i % TALLY_DOMAIN_ROWS_MAX, name, "validation-failure");
        if (i % 1000 == 999)
            sweep(f, 90 * 86400, size, DAY_AT + 2 * TALLY_DAY_US);
    }
    open_reader(f);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    assert_int_equal(totals.messages, 1);
    assert_int_equal(tally_domains(f->journal, TALLY_TLS, DAY, f->pool, &domains, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_in_range(domains[0].n, 1, 4000);
    assert_in_range(domains[0].lost, 1000, 12000);
    const struct feedback_filter filter = {.limit = 10};
    assert_int_equal(feedback_sums(f->journal, &filter, f->pool, &sums, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_in_range(sums[0].n, 1, size / 10 / 4096); /* each has a page and more */
}

static void put_tls_report(struct fixture *f, const char *signer, int i, uint64_t sessions)
{
    char name[32];
    snprintf(name, sizeof name, "r%d", i);
    const struct event report = {.kind = EVENT_TLS_FEEDBACK,
                                 .tls_feedback = {.report = {.time_us = DAY_AT + i,
                                                             .org = STR("Big"),
                                                             .report_id = str_of(name),
                                                             .signer = str_of(signer)},
                                                  .domain = STR("univ.example"),
                                                  .n = sessions,
                                                  .policy_type = STR("sts"),
                                                  .result = STR("certificate-expired")}};
    apply(f, &report);
}

static uint64_t sessions_of(struct fixture *f, const char *signer)
{
    const struct feedback_filter filter = {.limit = 100};
    struct feedback_tls_sum *sums;
    struct err err = {""};
    size_t n;
    open_reader(f);
    assert_int_equal(feedback_tls_sums(f->journal, &filter, f->pool, &sums, &n, &err), 0);
    for (size_t i = 0; i < n; i++)
        if (str_eq(sums[i].signer, str_of(signer)))
            return sums[i].n;
    return 0;
}

/* Who sends too many reports has his own forgotten, and nobody else's; the same id of another
 * sender is another report. */
static void a_flood_pushes_out_its_own(void **state)
{
    struct fixture *f = *state;
    struct err err = {""};
    put_tls_report(f, "honest.example", 0, 7);
    put_tls_report(f, "honest.example", 0, 7);
    for (int i = 0; i < FEEDBACK_REPORTS_MAX + 50; i++)
        put_tls_report(f, "flood.example", i, 1);
    put_tls_report(f, "other.example", 1, 3);
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    sweep(f, 90 * 86400, (uint64_t)1 << 30, DAY_AT + TALLY_DAY_US);
    assert_int_equal(sessions_of(f, "honest.example"), 7);
    assert_int_equal(sessions_of(f, "other.example"), 3);
    assert_int_equal(sessions_of(f, "flood.example"), FEEDBACK_REPORTS_MAX - 2);
}

/* A journal of the version before is taken over with what is in it. */
static void version_3_is_taken_over(void **state)
{
    struct fixture *f = *state;
    const struct feedback_filter filter = {.limit = 10};
    struct feedback_sum *sums;
    struct err err = {""};
    char path[128];
    sqlite3 *db;
    size_t n;
    journal_store_close(&f->store);
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "DROP TABLE accepted; DROP TABLE audit; DROP TABLE closed; DROP TABLE swept;"
                     "DROP TABLE tls_feedback_row; DROP INDEX feedback_signer;"
                     "DROP INDEX feedback_id; ALTER TABLE feedback DROP COLUMN kind;"
                     "ALTER TABLE feedback DROP COLUMN signer;"
                     "CREATE UNIQUE INDEX feedback_id ON feedback (report_id, org);"
                     "INSERT INTO feedback VALUES (1, 1, '01B', 'Big', '', 'r1', 5,"
                     " 'univ.example', 'none', 1, 2, 100);"
                     "INSERT INTO feedback_row VALUES (1, 0, 9, '192.0.2.1', 'none', 'pass',"
                     " 'pass', '', 'univ.example', '', '');"
                     "PRAGMA user_version = 3",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    f->store = journal_store_open(f->folder, &err);
    if (f->store == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->store);
    put_tls_report(f, "honest.example", 1, 7); /* with the id of the other kind */
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    assert_int_equal(sessions_of(f, "honest.example"), 7);
    assert_int_equal(feedback_sums(f->journal, &filter, f->pool, &sums, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(sums[0].n, 9);
}

static void version_1_is_taken_over(void **state)
{
    struct fixture *f = *state;
    struct tally_dmarc *rows;
    struct err err = {""};
    struct journal_totals totals;
    char path[128];
    sqlite3 *db;
    put_message(f, "01A", "", "{}");
    assert_int_equal(journal_store_commit(f->store, &err), 0);
    journal_store_close(&f->store);
    snprintf(path, sizeof path, "%s/journal.sqlite", f->folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "DROP TABLE dmarc_seen; DROP TABLE tls_seen; DROP TABLE room;"
                     "DROP TABLE feedback; DROP TABLE feedback_row;"
                     "DROP TABLE tls_feedback_row;"
                     "DROP TABLE accepted; DROP TABLE audit; DROP TABLE closed; DROP TABLE swept;"
                     "PRAGMA user_version = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    f->store = journal_store_open(f->folder, &err);
    if (f->store == NULL)
        print_error("%s\n", err.text);
    assert_non_null(f->store);
    put_message(f, "01B", "",
                evidence(f, "ham", DMARC("pass", "reject", "none", "false", "true", "false"), ""));
    assert_int_equal(dmarc_rows(f, &rows), 1);
    assert_int_equal(journal_totals(f->journal, &totals, &err), 0);
    assert_int_equal(totals.messages, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_is_counted_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dispositions_and_overrides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_are_counted_but_not_deferrals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_to_be_reported_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tls_sessions_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(domains_of_a_day_with_what_was_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_days_are_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_are_kept_as_the_journal_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_counted_for_reports_that_are_not_sent, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(strangers_push_nothing_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_pushes_out_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_3_is_taken_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_1_is_taken_over, set_up, tear_down),
    };
    log_open("test", LOG_ERROR_LEVEL + 1);
    return tap_run(tests, NULL, NULL);
}
