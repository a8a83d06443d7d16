/* Reports about TLS that others send us: what they say, and what makes one be refused. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "tally/tls_read.h"

#define DATES                                                                                      \
    "\"date-range\":{\"start-datetime\":\"2026-11-21T00:00:00Z\","                                 \
    "\"end-datetime\":\"2026-11-21T23:59:59Z\"},"
#define HEAD                                                                                       \
    "\"organization-name\":\" Big \",\"contact-info\":\"a@b.example\",\"report-id\":\"r1\"," DATES
#define POLICY(good, bad, more)                                                                    \
    "{\"policy\":{\"policy-type\":\"sts\",\"policy-domain\":\"Univ.Example\"},\"summary\":{"       \
    "\"total-successful-session-count\":" good ",\"total-failure-session-count\":" bad "}" more    \
    "}"
#define DETAIL(result, n)                                                                          \
    "{\"result-type\":\"" result "\",\"sending-mta-ip\":\"192.0.2.1\",\"receiving-mx-hostname\":"  \
    "\"mx.univ.example\",\"receiving-ip\":\"2001:db8::1\",\"failed-session-count\":" n ","         \
    "\"failure-reason-code\":\"old\"}"
#define REPORT(policies) "{" HEAD "\"policies\":[" policies "]}"

struct fixture {
    struct pool *pool;
    struct tls_read report;
    struct err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->pool = pool_new(64 * 1024 * 1024);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    pool_free(&f->pool);
    free(f);
    return 0;
}

static int read_text(struct fixture *f, struct str json)
{
    f->err.text[0] = '\0';
    return tls_read(json, f->pool, &f->report, &f->err);
}

static void is(struct str text, const char *expected)
{
    if (!str_eq(text, str_of(expected)))
        print_error("\"%.*s\", not \"%s\"\n", STR_ARG(text), expected);
    assert_true(str_eq(text, str_of(expected)));
}

static void what_it_says_is_taken(void **state)
{
    struct fixture *f = *state;
    struct str json =
        STR(REPORT(POLICY("7", "5",
                          ",\"failure-details\":[" DETAIL("certificate-expired",
                                                          "2") "]") "," POLICY("0", "0", "")));
    assert_int_equal(read_text(f, json), 0);
    is(f->report.org, "Big");
    is(f->report.contact, "a@b.example");
    is(f->report.report_id, "r1");
    assert_int_equal(f->report.begin_s, 1795219200);
    assert_int_equal(f->report.end_s, 1795219200 + 86399);
    assert_int_equal(f->report.n, 3);
    const struct tls_read_row *rows = f->report.rows;
    is(rows[0].domain, "univ.example");
    is(rows[0].policy_type, "sts");
    is(rows[0].result, "");
    assert_int_equal(rows[0].n, 7);
    is(rows[1].result, "certificate-expired");
    is(rows[1].sending_ip, "192.0.2.1");
    is(rows[1].receiving_mx, "mx.univ.example");
    is(rows[1].receiving_ip, "2001:db8::1");
    is(rows[1].reason, "old");
    assert_int_equal(rows[1].n, 2);
    is(rows[2].result, TLS_READ_UNEXPLAINED);
    assert_int_equal(rows[2].n, 3);
}

static void dates_are_read(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *text;
        int64_t time_s; /* -1: none */
    } rows[] = {{"2026-11-21T00:00:00Z", 1795219200},
                {"2026-11-21T00:00:00.123Z", 1795219200},
                {"2026-11-21T01:00:00+01:00", 1795219200},
                {"2026-11-20T22:30:00-01:30", 1795219200},
                {"2026-11-21", -1},
                {"2026-11-21T00:00:00", -1},
                {"2026-13-21T00:00:00Z", -1},
                {"2026-11-21T0:00:00Z", -1},
                {"2026-11-21T00:00:00+1", -1},
                {"1960-01-01T00:00:00Z", -1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf json = BUF_INIT(4096);
        buf_addf(&json,
                 "{\"organization-name\":\"Big\",\"report-id\":\"r1\",\"date-range\":{"
                 "\"start-datetime\":\"%s\",\"end-datetime\":\"2026-11-29T00:00:00Z\"},"
                 "\"policies\":[" POLICY("1", "0", "") "]}",
                 rows[i].text);
        int result = read_text(f, buf_str(&json));
        if ((result == 0) != (rows[i].time_s >= 0))
            print_error("%s: %s\n", rows[i].text, f->err.text);
        assert_int_equal(result, rows[i].time_s >= 0 ? 0 : -1);
        if (result == 0)
            assert_int_equal(f->report.begin_s, rows[i].time_s);
        buf_release(&json);
    }
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"", "no JSON"},
        {"hello", "no JSON"},
        {"[]", "who made it"},
        {"{\"report-id\":\"r1\"}", "who made it"},
        {"{" HEAD "\"policies\":[]}", "no session"},
        {"{" HEAD "\"policies\":{}}", "no session"},
        {REPORT(POLICY("0", "0", "")), "no session"},
        {REPORT("{}"), "no domain"},
        {REPORT(POLICY("-1", "0", "")), "number"},
        {REPORT(POLICY("\"1\"", "0", "")), "number"},
        {REPORT(POLICY("99999999999", "0", "")), "number"},
        {REPORT(POLICY("1", "0", "") "," POLICY("1", "1e400", "")), "no JSON"},
        {"{" HEAD "\"report-id\":\"r2\"}", "no JSON"},
        {REPORT(POLICY("1", "0", "")) "x", "no JSON"},
        {"{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", "too deep"},
        {"{\"organization-name\":\"\\u0000\"}", "no JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int result = read_text(f, str_of(cases[i].json));
        if (result == 0 || !strstr(f->err.text, cases[i].why))
            print_error("%s: %s\n", cases[i].json, f->err.text);
        assert_int_equal(result, -1);
        assert_non_null(strstr(f->err.text, cases[i].why));
    }
}

static void long_texts_are_cut_and_many_rows_refused(void **state)
{
    struct fixture *f = *state;
    struct buf json = BUF_INIT(16 * 1024 * 1024);
    buf_add(&json,
            STR("{\"report-id\":\"[[[[[[[[[[[[[[[[[[[[[[[\\\"{{\",\"organization-name\":\""));
    for (int i = 0; i < 1000; i++)
        buf_add(&json, STR("\xc3\xa9x"));
    buf_add(&json, STR("\"," DATES "\"policies\":[" POLICY("1", "0", "") "]}"));
    assert_int_equal(read_text(f, buf_str(&json)), 0);
    assert_in_range(f->report.org.n, TLS_READ_TEXT_MAX - 3, TLS_READ_TEXT_MAX);
    buf_clear(&json);
    buf_add(&json, STR("{" HEAD "\"policies\":["));
    for (int i = 0; i <= TLS_READ_ROWS_MAX; i++)
        buf_addf(&json, "%s%s", i ? "," : "", POLICY("1", "0", ""));
    buf_add(&json, STR("]}"));
    assert_int_equal(read_text(f, buf_str(&json)), -1);
    assert_non_null(strstr(f->err.text, "rows"));
    buf_clear(&json);
    while (json.n <= TLS_READ_MAX)
        buf_add(&json, STR("                                                                "));
    assert_int_equal(read_text(f, buf_str(&json)), -1);
    assert_non_null(strstr(f->err.text, "larger"));
    buf_release(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_it_says_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dates_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_and_many_rows_refused, set_up,
                                        tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
