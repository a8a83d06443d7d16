#include "t/unit/tap.h"

#include "base/buf.h"
#include "directory/report.h"

static struct conf *settings(const char *more)
{
    struct err err = {""};
    struct buf text = BUF_INIT(4096);
    buf_addf(&text, "domain example.org { next_hop = lmtp://192.0.2.10:24 }\n%s", more);
    struct conf *conf = conf_parse(buf_str(&text), "t.conf", &err);
    buf_release(&text);
    if (conf == NULL)
        fail_msg("%s", err.text);
    return conf;
}

static enum report_address of(const struct conf *conf, const char *address)
{
    return report_address_of(conf, str_of(address));
}

static void each_address_has_its_meaning_in_any_case(void **state)
{
    struct conf *conf = settings("spam { reports = wrong@example.org }\n"
                                 "reports { spam = Missed@example.org; ham = ham@example.org }");
    assert_int_equal(of(conf, "WRONG@Example.ORG"), REPORT_ADDRESS_EITHER);
    assert_int_equal(of(conf, "missed@example.org"), REPORT_ADDRESS_SPAM);
    assert_int_equal(of(conf, "\"ham\"@example.org"), REPORT_ADDRESS_HAM);
    assert_int_equal(of(conf, "jean@example.org"), REPORT_ADDRESS_NONE);
    assert_int_equal(of(conf, "wrong@example.com"), REPORT_ADDRESS_NONE);
    assert_int_equal(of(conf, "wrong+x@example.org"), REPORT_ADDRESS_NONE);
    assert_int_equal(of(conf, "wrong"), REPORT_ADDRESS_NONE);
    assert_int_equal(of(conf, ""), REPORT_ADDRESS_NONE);
    assert_string_equal(report_address_own(conf), "wrong@example.org");
    conf_free(&conf);
}

static void an_extension_is_the_same_address_where_those_are_known(void **state)
{
    struct conf *conf =
        settings("directory { subaddress = + }\nreports { ham = ham+real@example.org\n"
                 "spam = spam@example.org }");
    assert_int_equal(of(conf, "spam+jean@example.org"), REPORT_ADDRESS_SPAM);
    assert_int_equal(of(conf, "spam+@example.org"), REPORT_ADDRESS_SPAM);
    assert_int_equal(of(conf, "ham+real@example.org"), REPORT_ADDRESS_HAM);
    assert_int_equal(of(conf, "ham@example.org"), REPORT_ADDRESS_NONE);
    assert_int_equal(of(conf, "+spam@example.org"), REPORT_ADDRESS_NONE);
    assert_string_equal(report_address_own(conf), "spam@example.org");
    conf_free(&conf);
}

static void without_the_settings_nothing_is_one(void **state)
{
    struct conf *conf = settings("");
    assert_int_equal(of(conf, "spam@example.org"), REPORT_ADDRESS_NONE);
    assert_null(report_address_own(conf));
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_its_meaning_in_any_case),
        cmocka_unit_test(an_extension_is_the_same_address_where_those_are_known),
        cmocka_unit_test(without_the_settings_nothing_is_one),
    };
    return tap_run(tests, NULL, NULL);
}
