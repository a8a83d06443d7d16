/* Which messages of the queue are meant, and how they are counted. */
#include "t/unit/tap.h"

#include <stdio.h>

#include "base/recipient.h"
#include "tools/queue_count.h"
#include "tools/queue_tool.h"

static const char settings[] =
    "hostname = mx.example\n"
    "outside { next_hop = smtp://192.0.2.9:25 }\nroute far.example { next_hop = mx }\n"
    "reports { spam = spam@b.example }\n"
    "domain b.example { next_hop = lmtp://192.0.2.10:24 }\n";

static void patterns(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"a@b.example", "A@B.example", true},
        {"a@b.example", "aa@b.example", false},
        {"@b.example", "x@b.example", true},
        {"@b.example", "x@sub.b.example", false},
        {"@b.example", "b.example", false},
        {"*", "", true},
        {"*@b.*", "jean@b.example", true},
        {"j*n@*", "jean@b.example", true},
        {"j*n@*x", "jean@b.example", false},
        {"*a*a*a*", "banana", true},
        {"*a*a*a*a*", "banana", false},
        {"a%", "ab", false},
        {"@*.example", "x@b.example", false},
        {"*@*.example", "x@b.example", true},
        {"a*", "b", false},
        {"*b", "ab", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (queue_fits(str_of(cases[i].pattern), str_of(cases[i].text)) != cases[i].fits)
            fail_msg("%s, %s", cases[i].pattern, cases[i].text);
}

/* A pattern of many stars takes no time without end. */
static void patterns_are_bounded(void **state)
{
    static char stars[1000], text[20000];
    for (size_t i = 0; i + 1 < sizeof stars; i += 2)
        memcpy(stars + i, "*a", 2);
    stars[sizeof stars - 1] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(queue_fits(str_n(stars, sizeof stars), str_n(text, sizeof text)));
}

static void next_hops(void **state)
{
    static const struct {
        const char *address, *hop;
    } cases[] = {
        {"jean@B.example", "lmtp://192.0.2.10:24"},
        {"postmaster", "lmtp://192.0.2.10:24"},
        {"spam@b.example", "reports"},
        {"x@else.example", "smtp://192.0.2.9:25"},
        {"x@Far.example", "far.example"},
    };
    struct err err = {""};
    struct conf *conf = conf_parse(str_of(settings), "test", &err);
    char room[QUEUE_HOP_SIZE];
    assert_string_equal(err.text, "");
    assert_non_null(conf);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_str(queue_hop_of(conf, str_of(cases[i].address), room), cases[i].hop);
    conf_free(&conf);
}

static void a_next_hop_is_named_wholly(void **state)
{
    static const char hop[] = "lmtp://192.0.2.10:24", six[] = "lmtp://[2001:db8::1]:24",
                      maildir[] = "maildir:///var/mail/%d:a/%u";
    static const struct {
        const char *pattern, *hop;
        bool fits;
    } cases[] = {
        {"lmtp://192.0.2.10:24", hop, true},
        {"192.0.2.10:24", hop, true},
        {"192.0.2.10", hop, true},
        {"192.0.2.*", hop, true},
        {"192.0.2.1?", hop, false},
        {"LMTP:*", hop, true},
        {"192.0.2.1", hop, false},
        {"2.0.2.10", hop, false},
        {"24", hop, false},
        {"lmtp://", hop, false},
        {"2001:db8::1", six, true},
        {"[2001:db8::1]:24", six, true},
        {"2001:db8:", six, false},
        {"/var/mail/%d:a/%u", maildir, true},
        {"/var/mail/%d", maildir, false},
        {"far.example", "far.example", true},
        {"example", "far.example", false},
        {"reports", "reports", true},
        {"(no next hop)", "(no next hop)", true},
        {"x", "lmtp://[", false},
        {"x", "://", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (queue_hop_fits(str_of(cases[i].pattern), str_of(cases[i].hop)) != cases[i].fits)
            fail_msg("%s, %s", cases[i].pattern, cases[i].hop);
}

static void all_that_is_given_must_hold(void **state)
{
    struct spool_recipient list[] = {
        {.address = STR("one@b.example"), .state = RCPT_DELIVERED, .detail = STR("250 fine")},
        {.address = STR("two@far.example"), .state = RCPT_DEFERRED, .detail = STR("451 Full")}};
    struct spool_file file = {.size = 1000,
                              .envelope = {.time_us = 5000000,
                                           .sender = STR("x@shop.example"),
                                           .recipients = list,
                                           .n_recipients = 2}};
    const struct queue_filter fits[] = {
        {.sender = STR("x@shop.example")},
        {.domain = STR("far.example")},
        {.reason = STR("full")},
        {.hop = STR("far.example")},
        {.hop = STR("far.*")},
        {.larger = 1000},
        {.from_us = 5000000},
        {.before_us = 5000001},
        {.by_state = true, .state = QUEUE_DEFERRED},
        {.recipient = STR("two@*"), .reason = STR("451")},
    };
    const struct queue_filter not [] = {
        {.sender = STR("shop.example")},
        {.domain = STR("b.example")}, /* he has it */
        {.reason = STR("fine")},
        {.hop = STR("192.0.2.10")}, /* who has it */
        {.hop = STR("far")},
        {.larger = 1001},
        {.from_us = 5000001},
        {.before_us = 5000000},
        {.by_state = true, .state = QUEUE_HELD},
        {.sender = STR("<>")},
        {.account = STR("*")},
        {.recipient = STR("two@*"), .reason = STR("452")},
    };
    struct err err;
    struct conf *conf = conf_parse(str_of(settings), "test", &err);
    assert_non_null(conf);
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++)
        if (!queue_filter_fits(&fits[i], conf, &file, QUEUE_DEFERRED))
            fail_msg("filter %zu does not fit", i);
    for (size_t i = 0; i < sizeof not / sizeof not [0]; i++)
        if (queue_filter_fits(&not [i], conf, &file, QUEUE_DEFERRED))
            fail_msg("filter %zu fits", i);
    file.envelope.sender = STR_EMPTY;
    assert_true(queue_filter_fits(&not [9], conf, &file, QUEUE_DEFERRED));
    conf_free(&conf);
}

#define KEYS 5000

static void counted_by_key_and_age(void **state)
{
    struct count_table table = {.pool = pool_new(1 << 20)};
    char key[32];
    for (unsigned i = 0; i < 2 * KEYS; i++) {
        const struct count_message m = {.bytes = 10,
                                        .age_us = i % 2 ? (int64_t)6 * 60000000 : -5,
                                        .state = QUEUE_HELD};
        snprintf(key, sizeof key, "key %u", i % KEYS);
        count_message(&table, &m);
        assert_true(count_under(&table, str_of(key), &m));
        assert_true(count_under(&table, str_of(key), &m)); /* no second time */
        if (i % 3 == 0)
            assert_true(count_under(&table, STR("often"), &m));
    }
    count_sort(&table);
    assert_int_equal(table.n, KEYS + 1);
    assert_int_equal(table.total.n, 2 * KEYS);
    assert_int_equal(table.total.bytes, 20 * KEYS);
    assert_int_equal(table.total.of_age[0], KEYS);
    assert_int_equal(table.total.of_age[1], KEYS);
    assert_str(table.rows[0].key, "often");
    assert_int_equal(table.rows[0].n, (2 * KEYS + 2) / 3);
    for (size_t i = 1; i < table.n; i++) {
        assert_int_equal(table.rows[i].n, 2);
        assert_int_equal(table.rows[i].of_state[QUEUE_HELD], 2);
    }
    assert_str(table.rows[1].key, "key 0");
    count_free(&table);
}

static void ages_have_their_ends(void **state)
{
    struct count_table table = {.pool = NULL};
    for (size_t i = 0; i < COUNT_AGES - 1; i++)
        for (int after = 0; after < 2; after++) {
            const struct count_message m = {.age_us = (int64_t)count_ages[i] * 60000000 + after};
            count_message(&table, &m);
        }
    assert_int_equal(table.total.of_age[0], 1);
    for (size_t i = 1; i < COUNT_AGES - 1; i++)
        assert_int_equal(table.total.of_age[i], 2);
    assert_int_equal(table.total.of_age[COUNT_AGES - 1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns),
        cmocka_unit_test(patterns_are_bounded),
        cmocka_unit_test(next_hops),
        cmocka_unit_test(a_next_hop_is_named_wholly),
        cmocka_unit_test(all_that_is_given_must_hold),
        cmocka_unit_test(counted_by_key_and_age),
        cmocka_unit_test(ages_have_their_ends),
    };
    return tap_run(tests, NULL, NULL);
}
