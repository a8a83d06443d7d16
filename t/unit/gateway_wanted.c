/* To whom a report goes, where the DNS of one of those who are named is silent. */
#include "t/unit/tap.h"

#include "gateway/reports/wanted.h"
#include "sender/dns_file.h"

static const char zone[] =
    "_dmarc.a.example TXT v=DMARC1; p=none; rua=mailto:r@dark.test,mailto:r@a.example,"
    "mailto:r@agreed.test,mailto:r@other.test\n"
    "_dmarc.b.example TXT v=DMARC1; p=none; rua=mailto:r@dark.test\n"
    "_dmarc.c.example TXT v=DMARC1; p=none; "
    "rua=mailto:r@c.example,mailto:R@C.example,mailto:s@moved.test,mailto:t@moved.test\n"
    "_smtp._tls.c.example TXT v=TLSRPTv1; rua=mailto:r@c.example,mailto:r@C.Example\n"
    "_dmarc.dark.test TIMEOUT\n"
    "dark.test TIMEOUT\n"
    "a.example._report._dmarc.dark.test TIMEOUT\n"
    "b.example._report._dmarc.dark.test TIMEOUT\n"
    "a.example._report._dmarc.agreed.test TXT v=DMARC1\n"
    "c.example._report._dmarc.moved.test TXT v=DMARC1; rua=mailto:one@moved.test\n";

struct asked {
    struct pool *pool;
    struct dns_file *file;
    struct rua_list list;
    struct err why;
};

static enum wanted ask(struct asked *asked, enum tally_kind kind, const char *domain, bool last)
{
    const struct dns_source dns = dns_file_source(asked->file);
    asked->list = (struct rua_list){.n = 0};
    return wanted_by(kind, str_of(domain), &dns, last, asked->pool, &asked->list, &asked->why);
}

static int set_up(void **state)
{
    static struct asked asked;
    asked = (struct asked){.pool = pool_new(1 << 20)};
    asked.file = dns_file_parse(str_of(zone), "zone", &asked.why);
    *state = &asked;
    if (asked.file == NULL)
        print_error("%s\n", asked.why.text);
    return asked.pool && asked.file ? 0 : -1;
}

static int tear_down(void **state)
{
    struct asked *asked = *state;
    dns_file_free(&asked->file);
    pool_free(&asked->pool);
    return 0;
}

static void one_silent_host_delays_but_prevents_nothing(void **state)
{
    struct asked *asked = *state;
    assert_int_equal(ask(asked, TALLY_DMARC, "a.example", false), WANTED_UNKNOWN);
    assert_int_equal(ask(asked, TALLY_DMARC, "a.example", true), WANTED);
    assert_int_equal(asked->list.n, 2);
    assert_string_equal(asked->list.list[0].target, "r@a.example");
    assert_string_equal(asked->list.list[1].target, "r@agreed.test");
    assert_int_equal(ask(asked, TALLY_DMARC, "b.example", true), WANTED_UNKNOWN);
    assert_non_null(strstr(asked->why.text, "the DNS does not say"));
}

static void nobody_is_named_twice(void **state)
{
    struct asked *asked = *state;
    assert_int_equal(ask(asked, TALLY_DMARC, "c.example", false), WANTED);
    assert_int_equal(asked->list.n, 2);
    assert_string_equal(asked->list.list[0].target, "r@c.example");
    assert_string_equal(asked->list.list[1].target, "one@moved.test");
    assert_int_equal(ask(asked, TALLY_TLS, "c.example", false), WANTED);
    assert_int_equal(asked->list.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_silent_host_delays_but_prevents_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_named_twice, set_up, tear_down),
    };
    return tap_run(tests, NULL, NULL);
}
