#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "tally/dmarc_read.h"

#define HEAD                                                                                       \
    "<report_metadata><org_name>Big &amp; Co</org_name><email>a@b.example</email>"                 \
    "<report_id>r1</report_id><date_range><begin>1795305600</begin><end>1795391999</end>"          \
    "</date_range></report_metadata><policy_published><domain>Univ.Example</domain><p>none</p>"    \
    "</policy_published>"
#define RECORD(ip, n)                                                                              \
    "<record><row><source_ip>" ip "</source_ip><count>" n "</count><policy_evaluated>"             \
    "<disposition>none</disposition><dkim>fail</dkim><spf>pass</spf>"                              \
    "<reason><type>local_policy</type></reason></policy_evaluated></row>"                          \
    "<identifiers><header_from>univ.example</header_from></identifiers><auth_results>"             \
    "<dkim><domain>d.example</domain><selector>s</selector><result>fail</result></dkim>"           \
    "<spf><domain>univ.example</domain><result>pass</result></spf></auth_results></record>"

struct fixture {
    struct pool *pool;
    struct dmarc_read report;
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

static int read_text(struct fixture *f, const char *xml)
{
    f->err.text[0] = '\0';
    return dmarc_read(str_of(xml), f->pool, &f->report, &f->err);
}

static void is(struct str text, const char *expected)
{
    if (!str_eq(text, str_of(expected)))
        print_error("\"%.*s\", not \"%s\"\n", STR_ARG(text), expected);
    assert_true(str_eq(text, str_of(expected)));
}

static void check_report(struct fixture *f)
{
    is(f->report.org, "Big & Co");
    is(f->report.email, "a@b.example");
    is(f->report.report_id, "r1");
    is(f->report.domain, "univ.example");
    is(f->report.p, "none");
    assert_int_equal(f->report.begin_s, 1795305600);
    assert_int_equal(f->report.end_s, 1795391999);
    assert_int_equal(f->report.n, 2);
    is(f->report.rows[0].source_ip, "192.0.2.1");
    assert_int_equal(f->report.rows[0].n, 3);
    is(f->report.rows[0].disposition, "none");
    is(f->report.rows[0].dkim, "fail");
    is(f->report.rows[0].spf, "pass");
    is(f->report.rows[0].override, "local_policy");
    is(f->report.rows[0].header_from, "univ.example");
    is(f->report.rows[0].results, "dkim=fail d.example/s spf=pass univ.example");
    is(f->report.rows[1].source_ip, "2001:db8::1");
}

static void both_forms_are_read(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_text(f,
                               "<?xml version=\"1.0\"?>\n<feedback>" HEAD RECORD("192.0.2.1", "3")
                                   RECORD(" 2001:db8::1\n", "1") "</feedback>"),
                     0);
    check_report(f);
    assert_int_equal(read_text(f, "<d:feedback xmlns:d=\"urn:ietf:params:xml:ns:dmarc-2.0\">" HEAD
                                      RECORD("192.0.2.1", "3")
                                          RECORD("2001:db8::1", "1") "</d:feedback>"),
                     0);
    check_report(f);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *xml, *why;
    } cases[] = {
        {"", "empty"},
        {"hello", "syntax error"},
        {"<html/>", "no DMARC report"},
        {"<feedback>" HEAD "</feedback>", "no record"},
        {"<feedback>" RECORD("192.0.2.1", "3") "</feedback>", "has no id"},
        {"<feedback>" HEAD RECORD("localhost", "3") "</feedback>", "no address"},
        {"<feedback>" HEAD RECORD("192.0.2.1", "-3") "</feedback>", "no number"},
        {"<feedback>" HEAD RECORD("192.0.2.1", "99999999999999999999") "</feedback>", "no number"},
        {"<feedback>" HEAD RECORD("192.0.2.1", "2147483649") "</feedback>", "no number"},
        {"<feedback>" HEAD RECORD("192.0.2.1", "3"), "no element found"},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", "no DMARC report"},
        {"<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", "too deep"},
        {"<!DOCTYPE feedback [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><feedback>&x;</feedback>",
         "document type"},
        {"<!DOCTYPE f [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
         "<feedback>&b;</feedback>",
         "document type"},
        {"<!DOCTYPE feedback SYSTEM \"http://192.0.2.1/x.dtd\"><feedback/>", "document type"},
        {"<feedback>&nothing;</feedback>", "undefined entity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_text(f, cases[i].xml), -1);
        if (!strstr(f->err.text, cases[i].why))
            print_error("%s: %s\n", cases[i].xml, f->err.text);
        assert_non_null(strstr(f->err.text, cases[i].why));
    }
}

static void long_texts_are_cut_and_many_records_refused(void **state)
{
    struct fixture *f = *state;
    struct buf xml = BUF_INIT(16 * 1024 * 1024);
    buf_add(&xml, STR("<feedback><report_metadata><org_name>"));
    for (int i = 0; i < 1000; i++)
        buf_add(&xml, STR("\xc3\xa9x"));
    buf_add(&xml, STR("</org_name></report_metadata>" HEAD));
    size_t head = xml.n;
    buf_add(&xml, STR(RECORD("192.0.2.1", "3") "</feedback>"));
    assert_int_equal(dmarc_read(buf_str(&xml), f->pool, &f->report, &f->err), 0);
    assert_in_range(f->report.org.n, DMARC_READ_TEXT_MAX - 3, DMARC_READ_TEXT_MAX);
    buf_cut(&xml, head);
    for (int i = 0; i <= DMARC_READ_ROWS_MAX; i++)
        buf_add(&xml, STR(RECORD("192.0.2.1", "3")));
    buf_add(&xml, STR("</feedback>"));
    assert_int_equal(dmarc_read(buf_str(&xml), f->pool, &f->report, &f->err), -1);
    assert_non_null(strstr(f->err.text, "too many records"));
    buf_release(&xml);
}

/* What the journal keeps of each record. */
static void texts_that_no_record_has_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *before, *behind;
        size_t most;
    } places[] = {
        {"<row><policy_evaluated><disposition>", "</disposition></policy_evaluated></row>", 32},
        {"<row><policy_evaluated><dkim>", "</dkim></policy_evaluated></row>", 32},
        {"<row><policy_evaluated><spf>", "</spf></policy_evaluated></row>", 32},
        {"<row><policy_evaluated><reason><type>", "</type></reason></policy_evaluated></row>", 32},
        {"<identifiers><header_from>", "</header_from></identifiers>", 253},
        {"<identifiers><envelope_from>", "</envelope_from></identifiers>", 253},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        for (size_t more = 0; more < 2; more++) {
            struct buf xml = BUF_INIT(8192);
            buf_addf(&xml,
                     "<feedback>%s<record><row><source_ip>192.0.2.1</source_ip><count>1</count>"
                     "</row>%s",
                     HEAD, places[i].before);
            for (size_t n = 0; n < places[i].most + more; n++)
                buf_addc(&xml, 'x');
            buf_addf(&xml, "%s</record></feedback>", places[i].behind);
            assert_int_equal(dmarc_read(buf_str(&xml), f->pool, &f->report, &f->err),
                             more ? -1 : 0);
            if (more)
                assert_non_null(strstr(f->err.text, "longer than any can be"));
            buf_release(&xml);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_forms_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_that_no_record_has_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_and_many_records_refused, set_up,
                                        tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
