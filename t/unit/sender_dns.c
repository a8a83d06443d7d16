#include "t/unit/tap.h"

#include <stdio.h>

#include "sender/dns_file.h"
#include "sender/dns_memo.h"

static struct pool *pool;

static struct dns_query ask(struct dns_file *file, enum dns_type type, const char *name)
{
    const struct dns_source source = dns_file_source(file);
    return dns_ask(&source, pool, type, str_of(name));
}

static struct dns_file *parse(const char *text)
{
    struct err err = {""};
    struct dns_file *file = dns_file_parse(str_of(text), "zone", &err);
    if (!file)
        fail_msg("%s", err.text);
    return file;
}

static void expect_status(struct dns_file *file, enum dns_type type, const char *name,
                          enum dns_status status)
{
    const struct dns_query query = ask(file, type, name);
    if (query.status != status)
        fail_msg("%s %s: %s", name, dns_type_name(type), dns_status_name(query.status));
}

static void answers_from_a_file(void **state)
{
    struct dns_file *file = parse("# keys\n\n"
                                  "s1._domainkey.Example.org TXT v=DKIM1; p=abc d\r\n"
                                  "  twice TXT one\n"
                                  "twice. TXT two\n"
                                  "empty\tTXT\n"
                                  "host A 192.0.2.1\n"
                                  "host AAAA 2001:db8::1\n"
                                  "host MX 10 Mail.Example.\n"
                                  "host NS Ns.Example.\n"
                                  "1.2.0.192.in-addr.arpa PTR Host.Example.\n");
    struct dns_query query = ask(file, DNS_TXT, "S1._DOMAINKEY.example.org.");
    assert_int_equal(query.status, DNS_FOUND);
    assert_str(query.records[0].data, "v=DKIM1; p=abc d");
    query = ask(file, DNS_TXT, "twice");
    assert_int_equal(query.n, 2);
    assert_str(query.records[0].data, "one");
    assert_str(query.records[1].data, "two");
    query = ask(file, DNS_TXT, "empty");
    assert_int_equal(query.n, 1);
    assert_str(query.records[0].data, "");
    query = ask(file, DNS_A, "host");
    assert_true(str_eq(query.records[0].data, STR("\xc0\x00\x02\x01")));
    query = ask(file, DNS_AAAA, "host");
    assert_int_equal(query.records[0].data.n, 16);
    query = ask(file, DNS_MX, "host");
    assert_int_equal(query.records[0].preference, 10);
    assert_str(query.records[0].data, "mail.example");
    query = ask(file, DNS_NS, "host");
    assert_str(query.records[0].data, "ns.example");
    query = ask(file, DNS_PTR, "1.2.0.192.in-addr.arpa");
    assert_str(query.records[0].data, "host.example");
    expect_status(file, DNS_TXT, "host", DNS_NO_DATA);
    expect_status(file, DNS_TXT, "missing", DNS_NO_NAME);
    expect_status(file, DNS_TXT, "a..b", DNS_BAD_NAME);
    expect_status(file, DNS_TXT, "", DNS_BAD_NAME);
    expect_status(file, DNS_TXT, ".", DNS_BAD_NAME);
    dns_file_free(&file);
    assert_null(file);
}

static void quoted_strings_are_joined(void **state)
{
    struct dns_file *file = parse("a\\032b TXT one\n"
                                  "a TXT \"v=spf1 \" \"\\\"-all\\032\\000\"\n");
    const struct dns_query query = ask(file, DNS_TXT, "a");
    assert_int_equal(query.n, 1);
    assert_true(str_eq(query.records[0].data, STR("v=spf1 \"-all \0")));
    expect_status(file, DNS_TXT, "a b", DNS_FOUND);
    dns_file_free(&file);
}

static void fails_as_it_is_told(void **state)
{
    struct dns_file *file = parse("down TEMPFAIL\n"
                                  "slow TIMEOUT\n"
                                  "slow A 192.0.2.1\n"
                                  "part TIMEOUT TXT\n"
                                  "part TXT never seen\n"
                                  "part A 192.0.2.1\n");
    expect_status(file, DNS_TXT, "down", DNS_TEMP_FAILED);
    expect_status(file, DNS_A, "slow", DNS_FOUND);
    expect_status(file, DNS_TXT, "slow", DNS_TEMP_FAILED);
    expect_status(file, DNS_TXT, "part", DNS_TEMP_FAILED);
    expect_status(file, DNS_A, "part", DNS_FOUND);
    expect_status(file, DNS_MX, "part", DNS_NO_DATA);
    dns_file_free(&file);
}

static void aliases_are_followed(void **state)
{
    struct dns_file *file = parse("a CNAME b\nb CNAME c\nc TXT here\n"
                                  "round CNAME about\nabout CNAME Round\n"
                                  "lost CNAME nowhere\n");
    const struct dns_query query = ask(file, DNS_TXT, "a");
    assert_int_equal(query.status, DNS_FOUND);
    assert_str(query.records[0].data, "here");
    expect_status(file, DNS_TXT, "round", DNS_TEMP_FAILED);
    expect_status(file, DNS_TXT, "lost", DNS_NO_NAME);
    dns_file_free(&file);
}

static void names_the_line_of_a_mistake(void **state)
{
    static const char *const wrong[] = {
        "c SRV d",         "c A 1.2.3",     "c AAAA 1.2.3.4", "c MX mail",     "c MX 70000 mail",
        "c TEMPFAIL SRV",  "c TXT \"open",  "c TXT \"a\" b",  "c TXT \"\\9\"", "c CNAME",
        "c TXT \"\\300\"", "c TXT \"end\\", "c MX 1 a b",     "c PTR",         "c",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {""};
        struct buf text = BUF_INIT(1000);
        buf_addf(&text, "a TXT b\n\n%s\n", wrong[i]);
        if (dns_file_parse(buf_str(&text), "zone", &err))
            fail_msg("read: %s", wrong[i]);
        assert_non_null(strstr(err.text, "zone:3: expected NAME TYPE"));
        buf_release(&text);
    }
}

static void names_have_limits(void **state)
{
    char name[300];
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < sizeof name; i += 51)
        name[i] = '.';
    assert_true(dns_name_ok(str_n(name, DNS_NAME_MAX)));
    name[DNS_NAME_MAX] = '.';
    assert_true(dns_name_ok(str_n(name, DNS_NAME_MAX + 1)));
    name[DNS_NAME_MAX] = 'a';
    assert_false(dns_name_ok(str_n(name, DNS_NAME_MAX + 1)));
    memset(name, 'a', 64);
    assert_true(dns_name_ok(str_n(name, 63)));
    assert_false(dns_name_ok(str_n(name, 64)));
    assert_false(dns_name_ok(STR("a..")));
    assert_false(dns_name_ok(STR(".a")));
}

/* --- the memo --- */

struct counter {
    size_t rounds;
    size_t asked;
};

static void count(void *data, struct pool *memory, struct dns_query *queries, size_t n)
{
    struct counter *counter = data;
    counter->rounds++;
    counter->asked += n;
    assert_true(n <= DNS_QUESTIONS_MAX);
    for (size_t i = 0; i < n; i++)
        queries[i].status = str_eq(queries[i].name, STR("down")) ? DNS_TEMP_FAILED : DNS_NO_NAME;
}

static void asks_only_once(void **state)
{
    struct counter counter = {0, 0};
    const struct dns_source source = {.ask = count, .data = &counter};
    struct dns_memo *memo = dns_memo_new(pool, &source);
    const struct dns_source asker = dns_memo_source(memo);
    struct dns_query queries[] = {
        {.type = DNS_TXT, .name = STR("a.example")},
        {.type = DNS_TXT, .name = STR("A.Example.")},
        {.type = DNS_A, .name = STR("a.example")},
        {.type = DNS_A, .name = STR("down")},
        {.type = DNS_A, .name = STR("x"), .status = DNS_FOUND},
    };
    asker.ask(asker.data, pool, queries, 5);
    assert_int_equal(counter.rounds, 1);
    assert_int_equal(counter.asked, 3);
    assert_int_equal(queries[1].status, DNS_NO_NAME);
    assert_str(queries[1].name, "A.Example.");
    assert_int_equal(queries[3].status, DNS_TEMP_FAILED);
    assert_int_equal(dns_ask(&asker, pool, DNS_TXT, STR("a.EXAMPLE")).status, DNS_NO_NAME);
    assert_int_equal(counter.rounds, 1);
    const struct dns_memo_count counted = dns_memo_count(memo);
    assert_int_equal(counted.rounds, 1);
    assert_int_equal(counted.asked, 3);
    assert_int_equal(counted.failed, 1);
}

static void has_a_limit(void **state)
{
    static struct dns_query queries[DNS_MEMO_MAX + 10];
    struct counter counter = {0, 0};
    const struct dns_source source = {.ask = count, .data = &counter};
    struct dns_memo *memo = dns_memo_new(pool, &source);
    const struct dns_source asker = dns_memo_source(memo);
    for (size_t i = 0; i < DNS_MEMO_MAX + 10; i++)
        queries[i] = (struct dns_query){.type = DNS_A, .name = pool_strf(pool, "n%zu", i)};
    asker.ask(asker.data, pool, queries, DNS_MEMO_MAX + 10);
    assert_int_equal(counter.asked, DNS_MEMO_MAX);
    assert_int_equal(queries[DNS_MEMO_MAX - 1].status, DNS_NO_NAME);
    assert_int_equal(queries[DNS_MEMO_MAX].status, DNS_TEMP_FAILED);
}

static void no_source_fails_for_now(void **state)
{
    assert_int_equal(dns_ask(&dns_source_none, pool, DNS_A, STR("a")).status, DNS_TEMP_FAILED);
}

static int open_pool(void **state)
{
    pool = pool_new(1 << 24);
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
        cmocka_unit_test(answers_from_a_file),
        cmocka_unit_test(quoted_strings_are_joined),
        cmocka_unit_test(fails_as_it_is_told),
        cmocka_unit_test(aliases_are_followed),
        cmocka_unit_test(names_the_line_of_a_mistake),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(asks_only_once),
        cmocka_unit_test(has_a_limit),
        cmocka_unit_test(no_source_fails_for_now),
    };
    return tap_run(tests, open_pool, close_pool);
}
