/* The parity test t/parity/spf.t runs the RFC's own suite; here is what that has no case for. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "sender/dns_file.h"
#include "sender/dns_memo.h"
#include "sender/spf_client.h"
#include "sender/spf_macro.h"
#include "sender/spf_record.h"

static struct pool *pool;

static struct spf_answer check(const char *zone, const struct spf_request *request,
                               struct dns_memo_count *count)
{
    struct err err = {""};
    struct spf_answer answer;
    struct dns_file *file = dns_file_parse(str_of(zone), "zone", &err);
    if (!file)
        fail_msg("%s", err.text);
    const struct dns_source source = dns_file_source(file);
    struct dns_memo *memo = dns_memo_new(pool, &source);
    const struct dns_source dns = dns_memo_source(memo);
    if (spf_check(request, &dns, pool, &answer, &err) < 0)
        fail_msg("%s", err.text);
    if (count)
        *count = dns_memo_count(memo);
    dns_file_free(&file);
    return answer;
}

static struct spf_answer check_from(const char *zone, const char *ip)
{
    const struct spf_request request = {.client_ip = str_of(ip),
                                        .helo = STR("mail.example.org"),
                                        .sender = STR("jean.toto@example.org")};
    return check(zone, &request, NULL);
}

static void expect(const char *zone, const char *ip, enum spf_result result, const char *mechanism)
{
    const struct spf_answer answer = check_from(zone, ip);
    if (answer.result != result)
        fail_msg("%s: %s, expected %s", zone, spf_result_name(answer.result),
                 spf_result_name(result));
    assert_str(answer.mechanism, mechanism);
}

static void says_which_mechanism_matched(void **state)
{
    static const char zone[] =
        "example.org TXT v=spf1 ip4:192.0.2.0/24 ~include:_spf.example.net -all\n"
        "_spf.example.net TXT v=spf1 ip6:2001:db8::/32 -all\n";
    expect(zone, "192.0.2.9", SPF_PASS, "ip4:192.0.2.0/24");
    expect(zone, "2001:db8::1", SPF_SOFTFAIL, "~include:_spf.example.net");
    expect(zone, "198.51.100.1", SPF_FAIL, "-all");
    expect("example.org TXT v=spf1 ip4:192.0.2.1\n", "198.51.100.1", SPF_NEUTRAL, "");
    expect("example.org TXT v=spf1 redirect=b.example\nb.example TXT v=spf1 ?all\n", "192.0.2.1",
           SPF_NEUTRAL, "?all");
}

static void tells_a_narrow_match_from_everybody(void **state)
{
    static const struct {
        const char *record;
        bool narrow;
    } cases[] = {
        {"ip4:192.0.2.0/24 -all", true},
        {"ip4:192.0.0.0/12 -all", true},
        {"ip4:192.0.0.0/11 -all", false},
        {"ip4:192.0.0.0/8 -all", false},
        {"+all", false},
        {"ip4:192.0.2.7 ip4:192.0.0.0/8 -all", false}, /* another host's term, then the wide one */
        {"include:narrow.example -all", true},
        {"include:all.example -all", false},
        {"include:no.example all", false},
        {"redirect=narrow.example", true},
        {"a:%{i}.made.example -all", false},
        {"include:%{ir}.made.example -all", false},
        {"redirect=%{i}.made.example", false},
        {"a:%{d2}.made.example -all", true},
        {"a:host.example -all", true},
        {"a:host.example/8 -all", false},
        {"exists:host.example -all", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char zone[1024];
        snprintf(zone, sizeof zone,
                 "example.org TXT v=spf1 %s\nnarrow.example TXT v=spf1 ip4:192.0.2.0/28 -all\n"
                 "all.example TXT v=spf1 +all\nno.example TXT v=spf1 -ip4:192.0.2.9 -all\n"
                 "host.example A 192.0.2.9\nexample.org.made.example A 192.0.2.9\n"
                 "192.0.2.9.made.example A 192.0.2.9\n"
                 "192.0.2.9.made.example TXT v=spf1 ip4:192.0.2.0/28 -all\n"
                 "9.2.0.192.made.example TXT v=spf1 ip4:192.0.2.0/28 -all\n",
                 cases[i].record);
        const struct spf_answer answer = check_from(zone, "192.0.2.9");
        if (answer.result != SPF_PASS || answer.narrow != cases[i].narrow)
            fail_msg("%s: %s, %d", cases[i].record, spf_result_name(answer.result), answer.narrow);
    }
    assert_true(
        check_from("example.org TXT v=spf1 ip6:2001:db8::/32 -all\n", "2001:db8::1").narrow);
    assert_false(check_from("example.org TXT v=spf1 ip6:2000::/3 -all\n", "2001:db8::1").narrow);
}

/* Whatever a record holds, no more is asked for it than could count. */
static void only_so_much_is_asked_ahead(void **state)
{
    const struct spf_request request = {.client_ip = STR("192.0.2.1"),
                                        .sender = STR("jean.toto@example.org")};
    struct dns_memo_count count;
    struct buf zone = BUF_INIT(8192);
    buf_add(&zone, STR("example.org TXT v=spf1"));
    for (unsigned i = 0; i < 3 * SPF_AHEAD_MAX; i++)
        buf_addf(&zone, " a:%u.example.org", i);
    buf_add(&zone, STR(" -all\n0.example.org A 192.0.2.9\n"));
    assert_int_equal(check(buf_cstr(&zone), &request, &count).result, SPF_PERMERROR);
    assert_int_equal(count.asked, 1 + SPF_AHEAD_MAX);
    assert_int_equal(count.rounds, 2);
    buf_release(&zone);
}

static void an_outage_is_no_fail(void **state)
{
    expect("example.org TEMPFAIL\n", "192.0.2.1", SPF_TEMPERROR, "");
    expect("example.org TXT v=spf1 a:down.example -all\ndown.example TIMEOUT\n", "192.0.2.1",
           SPF_TEMPERROR, "a:down.example");
    const struct spf_request request = {.client_ip = STR("192.0.2.1"),
                                        .sender = STR("a@b.example")};
    struct spf_answer answer;
    struct err err;
    assert_int_equal(spf_check(&request, &dns_source_none, pool, &answer, &err), 0);
    assert_int_equal(answer.result, SPF_TEMPERROR);
    assert_str(answer.reason, "the DNS did not answer");
}

static void the_null_sender_is_helo(void **state)
{
    static const char zone[] = "mail.example.org TXT v=spf1 ip4:192.0.2.1 -all\n";
    struct spf_request request = {.client_ip = STR("192.0.2.1"),
                                  .helo = STR("mail.example.org"),
                                  .sender = STR("")};
    struct spf_answer answer = check(zone, &request, NULL);
    assert_true(answer.of_helo);
    assert_int_equal(answer.result, SPF_PASS);
    assert_str(answer.domain, "mail.example.org");
    request.helo = STR("[192.0.2.1]");
    answer = check(zone, &request, NULL);
    assert_int_equal(answer.result, SPF_NONE);
    assert_str(answer.domain, "");
}

static void names_are_asked_together(void **state)
{
    static const char zone[] =
        "example.org TXT v=spf1 include:a.example include:b.example a:c.example mx:d.example "
        "exists:%{ir}.e.example include:%{p}.never.example -all\n"
        "a.example TXT v=spf1 -all\nb.example TXT v=spf1 -all\nd.example MX 1 m.example\n"
        "c.example A 192.0.2.1\n";
    const struct spf_request request = {.client_ip = STR("192.0.2.1"),
                                        .sender = STR("a@example.org")};
    struct dns_memo_count count;
    assert_int_equal(check(zone, &request, &count).result, SPF_PASS);
    assert_int_equal(count.asked, 6);
    assert_int_equal(count.rounds, 2);
}

static void hostile_records_end(void **state)
{
    struct buf zone = BUF_INIT(1 << 20);
    expect("example.org TXT v=spf1 include:example.org\n", "192.0.2.1", SPF_PERMERROR,
           "include:example.org");
    expect("example.org TXT v=spf1 redirect=example.org\n", "192.0.2.1", SPF_PERMERROR, "");
    buf_add(&zone, STR("example.org TXT v=spf1"));
    for (int i = 0; i < 11; i++)
        buf_addf(&zone, " a:n%d.example", i);
    expect(buf_cstr(&zone), "192.0.2.1", SPF_PERMERROR, "a:n2.example");
    buf_clear(&zone);
    buf_add(&zone, STR("example.org TXT v=spf1"));
    while (zone.n <= SPF_RECORD_MAX + 30)
        buf_add(&zone, STR(" ?all"));
    expect(buf_cstr(&zone), "192.0.2.1", SPF_PERMERROR, "");
    buf_clear(&zone);
    /* expands to more than any name: such a term does not match */
    buf_add(&zone, STR("example.org TXT v=spf1 exists:"));
    for (int i = 0; i < 1500; i++)
        buf_add(&zone, STR("%{S}"));
    buf_add(&zone, STR(".example -all"));
    expect(buf_cstr(&zone), "192.0.2.1", SPF_FAIL, "-all");
    buf_release(&zone);
}

static void explanations_are_bounded(void **state)
{
    struct buf zone = BUF_INIT(1 << 20);
    buf_add(&zone, STR("example.org TXT v=spf1 -all exp=why.example\nwhy.example TXT "));
    for (int i = 0; i < 300; i++)
        buf_add(&zone, STR("%{i} not "));
    struct spf_answer answer = check_from(buf_cstr(&zone), "192.0.2.1");
    assert_int_equal(answer.explanation.n, SPF_EXPLANATION_MAX);
    assert_true(str_starts(answer.explanation, STR("192.0.2.1 not ")));
    buf_release(&zone);
    answer = check_from("example.org TXT v=spf1 -all exp=why.example\n"
                        "why.example TXT \"two\\010lines\"\n",
                        "192.0.2.1");
    assert_str(answer.explanation, "");
    /* an included record's words are not the domain's own (6.2) */
    answer = check_from("example.org TXT v=spf1 include:b.example -all\n"
                        "b.example TXT v=spf1 -all exp=why.example\nwhy.example TXT words\n",
                        "192.0.2.1");
    assert_str(answer.explanation, "");
}

static void a_sender_in_utf_8_fits_no_macro(void **state)
{
    static const char zone[] = "example.org TXT v=spf1 exists:%{l}.u.example -all\n"
                               "toto.u.example A 127.0.0.2\n";
    struct spf_request request = {.client_ip = STR("192.0.2.1"), .sender = STR("toto@example.org")};
    assert_int_equal(check(zone, &request, NULL).result, SPF_PASS);
    request.sender = STR("t\xc3\xb4to@example.org");
    assert_int_equal(check(zone, &request, NULL).result, SPF_FAIL);
    request.sender = STR("toto\n@example.org");
    assert_int_equal(check(zone, &request, NULL).result, SPF_FAIL);
}

static void expand(const char *text, const char *expected)
{
    const struct spf_macro_values values = {
        .sender = STR("strong-bad@email.example.com"),
        .local = STR("strong-bad"),
        .sender_domain = STR("email.example.com"),
        .domain = STR("email.example.com"),
        .client = STR("192.0.2.3"),
        .version = STR("in-addr"),
        .client_name = STR("mx.example.org"),
    };
    struct buf out = BUF_INIT(1000);
    assert_true(spf_macro_is_string(str_of(text)));
    spf_macro_expand(str_of(text), &values, &out);
    assert_str(buf_str(&out), expected);
    buf_release(&out);
}

static void macros_of_the_rfc(void **state)
{
    /* RFC 7208 7.4 */
    expand("%{s}", "strong-bad@email.example.com");
    expand("%{o}", "email.example.com");
    expand("%{d4}", "email.example.com");
    expand("%{d2}", "example.com");
    expand("%{d1}", "com");
    expand("%{dr}", "com.example.email");
    expand("%{d2r}", "example.email");
    expand("%{l-}", "strong.bad");
    expand("%{lr-}", "bad.strong");
    expand("%{l1r-}", "strong");
    expand("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com");
    expand("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com");
    expand("%%%_%-%{S}", "% %20strong-bad%40email.example.com");
    expand("%{d99999999999999999999}", "email.example.com");
}

static void wrong_macros_are_told(void **state)
{
    static const char *const wrong[] = {"%",      "%{",   "%{}",    "%{d", "%{x}", "%{d0}", "%a",
                                        "%{d.r}", "%{%}", "%{d1x}", "a b", "%{c}", "%{-}",  "\xc3"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (spf_macro_is_string(str_of(wrong[i])))
            fail_msg("taken: %s", wrong[i]);
    assert_true(spf_macro_is_explanation(STR("%{c} is not %{r}'s")));
}

static void networks(void **state)
{
    struct spf_client client;
    assert_true(spf_client_read(&client, STR("::ffff:192.0.2.1")));
    assert_int_equal(client.family, AF_INET);
    assert_true(spf_client_is_in(&client, STR("\xc0\x00\x02\x80"), 24));
    assert_false(spf_client_is_in(&client, STR("\xc0\x00\x02\x80"), 25));
    assert_true(spf_client_is_in(&client, STR("\x00\x00\x00\x00"), 0));
    assert_false(spf_client_is_in(&client, STR("\xc0\x00\x02\x80"), 33));
    assert_false(spf_client_read(&client, STR("192.0.2")));
    assert_false(spf_client_read(&client, STR("")));
}

static int open_pool(void **state)
{
    pool = pool_new(1 << 26);
    return pool ? 0 : -1;
}

static int close_pool(void **state)
{
    pool_free(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_which_mechanism_matched),
        cmocka_unit_test(tells_a_narrow_match_from_everybody),
        cmocka_unit_test(only_so_much_is_asked_ahead),
        cmocka_unit_test(an_outage_is_no_fail),
        cmocka_unit_test(the_null_sender_is_helo),
        cmocka_unit_test(names_are_asked_together),
        cmocka_unit_test(hostile_records_end),
        cmocka_unit_test(explanations_are_bounded),
        cmocka_unit_test(a_sender_in_utf_8_fits_no_macro),
        cmocka_unit_test(macros_of_the_rfc),
        cmocka_unit_test(wrong_macros_are_told),
        cmocka_unit_test(networks),
    };
    return tap_run(tests, open_pool, close_pool);
}
