/* addresses, dates, header queries, names */
#include "t/unit/tap.h"

#include "base/buf.h"
#include "base/domain.h"

#include "mail/address.h"
#include "rules/facts/date.h"
#include "rules/language/names.h"
#include "rules/language/query.h"

static void check_addresses(const char *text, const char *expected)
{
    struct str rest = str_of(text);
    struct mail_address address;
    struct buf got = BUF_INIT(4096);
    while (mail_address_next(&rest, &address))
        buf_addf(&got, "[%.*s|%.*s]", STR_ARG(address.name), STR_ARG(address.address));
    if (strcmp(buf_cstr(&got), expected) != 0)
        fail_msg("%s: %s, not %s", text, buf_cstr(&got), expected);
    buf_release(&got);
}

static void reads_addresses(void **state)
{
    check_addresses("a@b.example", "[|a@b.example]");
    check_addresses("Jean Toto <j@t.example>", "[Jean Toto|j@t.example]");
    check_addresses("\"Toto, Jean\" <j@t.example>, x@y", "[Toto, Jean|j@t.example][|x@y]");
    check_addresses("j@t.example (Jean (le) Toto)", "[Jean (le) Toto|j@t.example]");
    check_addresses("Team: a@b, C <c@d>;", "[|a@b][C|c@d]");
    check_addresses("undisclosed-recipients:;", "");
    check_addresses("<>", "[|]");
    check_addresses("\"a@b.example\" <c@d.example>", "[a@b.example|c@d.example]");
    check_addresses("Jean <j@t.example", "[Jean|j@t.example]");
    check_addresses("\"open", "[\"open|]");
    check_addresses("(open", "");
    check_addresses(",,;", "");
    check_addresses("Just A Name", "[Just A Name|]");
    check_addresses("x@[IPv6:2001:db8::1], a@[b", "[|x@[IPv6:2001:db8::1]][|a@[b]");
}

/* What mail programs show though no comma parts it. */
static void reads_addresses_without_a_comma(void **state)
{
    check_addresses("<a@evil> <ceo@bank>", "[|a@evil][|ceo@bank]");
    check_addresses("A <a@evil><ceo@bank>, <c@d>", "[A|a@evil][|ceo@bank][|c@d]");
    check_addresses("<a@evil> The Boss <ceo@bank>", "[|a@evil][The Boss|ceo@bank]");
    check_addresses("<a@evil> (x) \"Boss\" <ceo@bank>", "[x|a@evil][Boss|ceo@bank]");
    check_addresses("<a@evil> ceo@bank", "[|a@evil][|ceo@bank]");
    check_addresses("<> <ceo@bank>", "[|][|ceo@bank]");
    check_addresses("a@evil: ceo@bank;", "[|a@evil][|ceo@bank]");
    /* what is no address is none */
    check_addresses("A <a@b> junk \"c, d\" (e@f), <g@h>", "[A|a@b][|g@h]");
    check_addresses("<a@b> \"open", "[|a@b]");
}

static void nul_bytes_end_nothing(void **state)
{
    struct str rest = STR("<a@b>\0x\0@\0[\0:c@d");
    struct mail_address address;
    size_t n = 0;
    while (mail_address_next(&rest, &address))
        n++;
    assert_int_equal(n, 3);
}

static void finds_domains(void **state)
{
    assert_str(domain_of_address(STR("a@b@c.example")), "c.example");
    assert_str(domain_of_address(STR("nobody")), "");
}

static void check_date(const char *text, int64_t expected)
{
    int64_t seconds = 0;
    if (!date_parse(str_of(text), &seconds) || seconds != expected)
        fail_msg("%s is %lld", text, (long long)seconds);
}

static void reads_dates(void **state)
{
    int64_t seconds;
    check_date("Thu, 01 Jan 1970 00:00:00 +0000", 0);
    check_date("Thu, 25 Jul 2024 04:55:11 -0400", 1721897711);
    check_date("25 Jul 24 08:55:11 GMT", 1721897711);
    check_date("Thu, 25 Jul 2024 10:55 +0200 (CEST)", 1721897700);
    check_date("29-Feb-2000 12:00:00 PST", 951854400);
    check_date("Fri, 21 Nov 97 09(comment):55:06 -0600", 880127706);
    assert_false(date_parse(STR(""), &seconds));
    assert_false(date_parse(STR("Thu, 32 Jul 2024 04:55:11"), &seconds));
    assert_false(date_parse(STR("Thu, 25 Foo 2024 04:55:11"), &seconds));
    assert_false(date_parse(STR("2024-07-25T04:55:11Z"), &seconds));
}

static void reads_queries(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct err err = {""};
    struct query a, b;
    assert_int_equal(query_parse(pool, STR("Subject:raw"), &a, &err), 0);
    assert_true(a.raw && a.what == QUERY_VALUE && a.source == QUERY_FIELD);
    assert_int_equal(query_parse(pool, STR("SUBJECT:raw"), &b, &err), 0);
    assert_true(query_same(&a, &b));
    assert_int_equal(query_parse(pool, STR("From:addr:first"), &a, &err), 0);
    assert_true(a.what == QUERY_ADDR && a.which == QUERY_FIRST && !a.raw);
    assert_int_equal(query_parse(pool, STR("tocc"), &a, &err), 0);
    assert_true(a.source == QUERY_TO_CC);
    assert_int_equal(query_parse(pool, STR("all"), &a, &err), 0);
    assert_true(a.source == QUERY_FIELD);
    assert_int_equal(query_parse(pool, STR("From:foo"), &a, &err), -1);
    assert_int_equal(query_parse(pool, STR("Fr om"), &a, &err), -1);
    assert_int_equal(query_parse(pool, STR(""), &a, &err), -1);
    pool_free(&pool);
}

static void names_find_their_numbers(void **state)
{
    struct pool *pool = pool_new(4 << 20);
    struct names names = {.cap = 0};
    assert_true(names_find(&names, STR("X")) == NAMES_NONE);
    for (uint32_t i = 0; i < 3000; i++)
        assert_true(names_add(&names, pool, pool_strf(pool, "RULE_%u", i), i));
    for (uint32_t i = 0; i < 3000; i++)
        assert_int_equal(names_find(&names, pool_strf(pool, "RULE_%u", i)), i);
    assert_true(names_find(&names, STR("RULE_3000")) == NAMES_NONE);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(reads_addresses_without_a_comma),
        cmocka_unit_test(nul_bytes_end_nothing),
        cmocka_unit_test(finds_domains),
        cmocka_unit_test(reads_dates),
        cmocka_unit_test(reads_queries),
        cmocka_unit_test(names_find_their_numbers),
    };
    return tap_run(tests, NULL, NULL);
}
