#include "t/unit/tap.h"

#include "base/buf.h"
#include "base/conf.h"

#define MINIMAL "domain example.org { next_hop = lmtp://192.0.2.10:24 }\n"

static struct conf *good(const char *text)
{
    struct err err = {""};
    struct conf *conf = conf_parse(str_of(text), "t.conf", &err);
    if (conf == NULL)
        print_error("unexpected: %s\n", err.text);
    assert_non_null(conf);
    return conf;
}

static void three_facts_are_enough(void **state)
{
    struct conf *conf = good("hostname = mx.univ-nantes.example\n"
                             "managers = { postmaster@univ-nantes.example }\n"
                             "domain univ-nantes.example { next_hop = lmtp://192.0.2.10:24 }\n");
    assert_string_equal(conf->hostname, "mx.univ-nantes.example");
    assert_int_equal(conf->managers.n, 1);
    assert_int_equal(conf->n_domains, 1);
    assert_string_equal(conf->domains[0].name, "univ-nantes.example");
    assert_int_equal(conf->domains[0].next_hop.kind, HOP_LMTP);
    assert_string_equal(conf->domains[0].next_hop.host, "192.0.2.10");
    assert_int_equal(conf->domains[0].next_hop.port, 24);
    assert_int_equal(conf->smtp.size_limit, 20 * 1024 * 1024);
    assert_string_equal(conf->spam.subject_tag, "[SPAM] ");
    assert_true(conf->spam.required == 5.0);
    assert_int_equal(conf->antivirus.found, ACT_QUARANTINE);
    assert_int_equal(conf->antivirus.unavailable, ACT_DEFER);
    assert_int_equal(conf->queue.lifetime, 5 * 86400);
    assert_null(conf->smtp.tls_certificate);
    conf_free(&conf);
    assert_null(conf);
}

static void design_example_parses(void **state)
{
    struct conf *conf = good(
        "domain univ-nantes.example {\n"
        "    directory = { file \"/etc/poterne/functional\" }\n"
        "    next_hop  = lmtp://192.0.2.10:24\n"
        "}\n"
        "spam      { subject_tag = \"[SPAM] \"; reports = traitementspam@univ-nantes.example }\n"
        "antivirus { engines = { clamav, yara }; found = quarantine; unavailable = defer; "
        "unscannable = deliver-marked }\n");
    assert_int_equal(conf->domains[0].directory.n, 1);
    assert_string_equal(conf->domains[0].directory.items[0], "file /etc/poterne/functional");
    assert_string_equal(conf->spam.reports, "traitementspam@univ-nantes.example");
    assert_int_equal(conf->antivirus.engines.n, 2);
    assert_string_equal(conf->antivirus.engines.items[1], "yara");
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_facts_are_enough),
        cmocka_unit_test(design_example_parses),
    };
    return tap_run(tests, NULL, NULL);
}
