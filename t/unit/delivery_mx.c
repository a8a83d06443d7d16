/* Which servers take a domain's mail, worked out of answers that strangers write. */
#include "t/unit/tap.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/delivery/mx.h"

static const struct mx_own own[] = {{"192.0.2.99", 25}, {"2001:db8::99", 25}, {"192.0.2.98", 26}};
static struct network loopback;
static struct networks never_to = {&loopback, 1};
static const struct mx_us us = {
    .hostname = "Gate.example", .own = own, .n_own = 3, .never_to = &never_to, .port = 25};
static struct mx mx;
static struct targets *targets;

static int up(void **state)
{
    assert_true(network_parse(STR("127.0.0.0/8"), &loopback));
    targets = targets_new();
    return targets ? 0 : -1;
}

static int down(void **state)
{
    targets_drop(&targets);
    return 0;
}

static enum mx_result hosts_seed(enum dns_status status, const struct dns_record *records, size_t n,
                                 uint64_t chance)
{
    const struct resolver_answer answer = {.status = status,
                                           .ttl = 300,
                                           .records = records,
                                           .n = n};
    return mx_take_hosts(&mx, &us, "a.example", &answer, chance);
}

static enum mx_result hosts(enum dns_status status, const struct dns_record *records, size_t n)
{
    return hosts_seed(status, records, n, 1);
}

static void four(size_t host, const char *text)
{
    unsigned char bytes[4];
    assert_int_equal(inet_pton(AF_INET, text, bytes), 1);
    const struct dns_record record = {.data = str_n((const char *)bytes, 4)};
    const struct resolver_answer answer = {.status = DNS_FOUND,
                                           .ttl = 100,
                                           .records = &record,
                                           .n = 1};
    mx_take_addresses(&mx, host, DNS_A, &answer);
}

static void six(size_t host, const char *text)
{
    unsigned char bytes[16];
    assert_int_equal(inet_pton(AF_INET6, text, bytes), 1);
    const struct dns_record record = {.data = str_n((const char *)bytes, 16)};
    const struct resolver_answer answer = {.status = DNS_FOUND,
                                           .ttl = 200,
                                           .records = &record,
                                           .n = 1};
    mx_take_addresses(&mx, host, DNS_AAAA, &answer);
}

static void nothing(size_t host, enum dns_type type, enum dns_status status)
{
    const struct resolver_answer answer = {.status = status, .ttl = 0};
    mx_take_addresses(&mx, host, type, &answer);
}

static enum mx_result all(void)
{
    return mx_targets(&mx, &us, "a.example", targets);
}

#define MX(name, number)                                                                           \
    {                                                                                              \
        .data = STR_INIT(name), .preference = (number)                                             \
    }
#define STR_INIT(text)                                                                             \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }

static void the_preferred_comes_first(void **state)
{
    const struct dns_record list[] = {MX("c.example", 30), MX("a.example", 10),
                                      MX("B.example", 20)};
    assert_int_equal(hosts(DNS_FOUND, list, 3), MX_FOUND);
    assert_int_equal(mx.n, 3);
    assert_string_equal(mx.hosts[0].name, "a.example");
    assert_string_equal(mx.hosts[1].name, "b.example");
    assert_string_equal(mx.hosts[2].name, "c.example");
    six(0, "2001:db8::1");
    four(0, "192.0.2.1");
    nothing(1, DNS_A, DNS_NO_NAME);
    four(2, "192.0.2.3");
    assert_int_equal(all(), MX_FOUND);
    assert_int_equal(targets->n, 3);
    assert_string_equal(targets->list[0].place.text, "a.example [192.0.2.1]:25");
    assert_string_equal(targets->list[1].place.text, "a.example [2001:db8::1]:25");
    assert_string_equal(targets->list[2].place.text, "c.example [192.0.2.3]:25");
    assert_int_equal(mx.ttl, 100);
}

static void equal_ones_share_the_load(void **state)
{
    const struct dns_record list[] = {MX("a.example", 10), MX("b.example", 10), MX("c.example", 10),
                                      MX("z.example", 20)};
    unsigned first[3] = {0};
    for (uint64_t seed = 0; seed < 3000; seed++) {
        assert_int_equal(hosts_seed(DNS_FOUND, list, 4, seed), MX_FOUND);
        assert_string_equal(mx.hosts[3].name, "z.example");
        first[mx.hosts[0].name[0] - 'a']++;
    }
    for (size_t i = 0; i < 3; i++)
        assert_in_range(first[i], 800, 1200);
}

static void without_mx_the_domain_is_its_server(void **state)
{
    assert_int_equal(hosts(DNS_NO_DATA, NULL, 0), MX_FOUND);
    assert_int_equal(mx.n, 1);
    assert_string_equal(mx.hosts[0].name, "a.example");
    four(0, "192.0.2.1");
    assert_int_equal(all(), MX_FOUND);
}

static void only_certainty_is_for_good(void **state)
{
    const struct dns_record null[] = {MX("", 0)};
    assert_int_equal(hosts(DNS_NO_NAME, NULL, 0), MX_NEVER);
    assert_non_null(strstr(mx.why, "5.1.2 "));
    assert_int_equal(hosts(DNS_BAD_NAME, NULL, 0), MX_NEVER);
    assert_int_equal(hosts(DNS_FOUND, null, 1), MX_NEVER);
    assert_non_null(strstr(mx.why, "5.1.10 "));
    assert_int_equal(hosts(DNS_TEMP_FAILED, NULL, 0), MX_LATER);
    assert_non_null(strstr(mx.why, "4.4.3 "));
    assert_int_equal(hosts(DNS_BOGUS, NULL, 0), MX_LATER);
    assert_int_equal(hosts(DNS_ASKED_NOT, NULL, 0), MX_LATER);
}

static void a_null_mx_among_others_is_none(void **state)
{
    const struct dns_record list[] = {MX("", 0), MX("b.example", 20)};
    assert_int_equal(hosts(DNS_FOUND, list, 2), MX_FOUND);
    assert_int_equal(mx.n, 1);
    assert_string_equal(mx.hosts[0].name, "b.example");
}

static void our_name_ends_the_list(void **state)
{
    const struct dns_record list[] = {MX("worse.example", 30), MX("gate.example", 20),
                                      MX("equal.example", 20), MX("better.example", 10)};
    assert_int_equal(hosts(DNS_FOUND, list, 4), MX_FOUND);
    assert_int_equal(mx.n, 1);
    assert_string_equal(mx.hosts[0].name, "better.example");
    assert_int_equal(hosts(DNS_FOUND, list, 3), MX_NEVER);
    assert_non_null(strstr(mx.why, "5.4.6 "));
}

static void our_address_ends_the_list(void **state)
{
    const struct dns_record list[] = {MX("a.example", 10), MX("b.example", 20),
                                      MX("c.example", 30)};
    assert_int_equal(hosts(DNS_FOUND, list, 3), MX_FOUND);
    four(0, "192.0.2.1");
    six(1, "2001:db8::99");
    four(2, "192.0.2.3");
    assert_int_equal(all(), MX_FOUND);
    assert_int_equal(targets->n, 1);
    assert_string_equal(targets->list[0].place.host, "192.0.2.1");
}

static void we_are_the_best(void **state)
{
    const struct dns_record list[] = {MX("a.example", 10), MX("b.example", 20)};
    assert_int_equal(hosts(DNS_FOUND, list, 2), MX_FOUND);
    four(0, "192.0.2.99");
    four(1, "192.0.2.1");
    assert_int_equal(all(), MX_NEVER);
    assert_non_null(strstr(mx.why, "5.4.6 "));
    assert_int_equal(targets->n, 0);
}

static void our_other_ports_are_not_we(void **state)
{
    assert_int_equal(hosts(DNS_NO_DATA, NULL, 0), MX_FOUND);
    four(0, "192.0.2.98");
    assert_int_equal(all(), MX_FOUND);
}

static void where_nobody_else_is_we_do_not_go(void **state)
{
    const struct dns_record list[] = {MX("a.example", 10), MX("b.example", 20)};
    assert_int_equal(hosts(DNS_FOUND, list, 2), MX_FOUND);
    four(0, "127.0.0.1");
    six(0, "::ffff:127.0.0.1");
    assert_int_equal(all(), MX_LATER);
    assert_non_null(strstr(mx.why, "never_to"));
    four(1, "192.0.2.1");
    assert_int_equal(all(), MX_FOUND);
    assert_int_equal(targets->n, 1);
}

static void what_is_not_known_is_not_for_good(void **state)
{
    const struct dns_record list[] = {MX("a.example", 10), MX("b.example", 20)};
    assert_int_equal(hosts(DNS_FOUND, list, 2), MX_FOUND);
    nothing(0, DNS_A, DNS_TEMP_FAILED);
    four(1, "192.0.2.99"); /* we are behind it, but it may be there */
    assert_int_equal(all(), MX_LATER);
    assert_non_null(strstr(mx.why, "4.4.3 "));
    assert_int_equal(hosts(DNS_FOUND, list, 2), MX_FOUND);
    nothing(0, DNS_A, DNS_NO_NAME);
    nothing(1, DNS_A, DNS_NO_DATA);
    assert_int_equal(all(), MX_LATER);
    assert_non_null(strstr(mx.why, "4.4.4 "));
}

static void hostile_answers_are_bounded(void **state)
{
    static char names[DNS_RECORDS_MAX + 50][16];
    struct dns_record list[DNS_RECORDS_MAX + 50];
    for (size_t i = 0; i < DNS_RECORDS_MAX + 50; i++) {
        snprintf(names[i], sizeof names[i], "h%zu.example", i);
        list[i] = (struct dns_record){.data = str_of(names[i]), .preference = 1000 - (unsigned)i};
    }
    assert_int_equal(hosts(DNS_FOUND, list, DNS_RECORDS_MAX + 50), MX_FOUND);
    assert_int_equal(mx.n, MX_HOSTS_MAX);
    for (size_t i = 0; i < mx.n; i++)
        for (int k = 0; k < 20; k++) {
            four(i, "192.0.2.1");
            six(i, "2001:db8::1");
        }
    assert_int_equal(mx.hosts[0].n4, MX_ADDRESSES_MAX);
    assert_int_equal(all(), MX_FOUND);
    assert_int_equal(targets->n, TARGETS_MAX);
}

static void hostile_names_are_passed_over(void **state)
{
    static char longest[300];
    memset(longest, 'a', sizeof longest - 1);
    struct dns_record list[] = {MX("..", 1), MX("a..b", 1), MX("bad name.example", 1),
                                MX("x\r\n.example", 1), MX("[192.0.2.1]", 1)};
    assert_int_equal(hosts(DNS_FOUND, list, 5), MX_LATER);
    list[0].data = str_of(longest);
    assert_int_equal(hosts(DNS_FOUND, list, 5), MX_LATER);
    list[1].data = STR("same.example");
    list[2].data = STR("SAME.example");
    assert_int_equal(hosts(DNS_FOUND, list, 5), MX_FOUND);
    assert_int_equal(mx.n, 1);
}

static void records_of_a_wrong_length_are_none(void **state)
{
    const struct dns_record record = {.data = STR("12345")};
    const struct resolver_answer answer = {.status = DNS_FOUND,
                                           .ttl = 1,
                                           .records = &record,
                                           .n = 1};
    assert_int_equal(hosts(DNS_NO_DATA, NULL, 0), MX_FOUND);
    mx_take_addresses(&mx, 0, DNS_A, &answer);
    mx_take_addresses(&mx, 0, DNS_AAAA, &answer);
    assert_int_equal(all(), MX_LATER);
}

static enum mx_result literal(const char *text)
{
    assert_true(mx_is_literal(text));
    return mx_literal(&mx, &us, text, targets);
}

static void an_address_needs_no_dns(void **state)
{
    assert_int_equal(literal("[192.0.2.1]"), MX_FOUND);
    assert_string_equal(targets->list[0].place.text, "[192.0.2.1]:25");
    assert_int_equal(literal("[IPv6:2001:DB8:0::1]"), MX_FOUND);
    assert_string_equal(targets->list[1].place.text, "[2001:db8::1]:25");
    assert_int_equal(literal("[192.0.2.99]"), MX_NEVER);
    assert_int_equal(literal("[ipv6:2001:db8:0:0::99]"), MX_NEVER);
    assert_int_equal(literal("[127.0.0.1]"), MX_LATER);
    assert_int_equal(literal("[]"), MX_NEVER);
    assert_int_equal(literal("[192.0.2.1.example]"), MX_NEVER);
    assert_int_equal(literal("[IPv6:192.0.2.1]"), MX_NEVER);
    assert_false(mx_is_literal("192.0.2.1"));
}

#define WITH_TARGETS(test) cmocka_unit_test_setup_teardown(test, up, down)

/* --- TLSA --- */

/* An address of the first host, proved, which stands under that name ("": the host's own). */
static void address_of(enum dns_type type, const char *canonical)
{
    static const char bytes[16] = "\xc0\x00\x02\x01";
    const struct dns_record record = {.data = str_n(bytes, type == DNS_A ? 4 : 16)};
    const struct resolver_answer answer = {.status = DNS_FOUND,
                                           .flags = RESOLVER_SECURE,
                                           .ttl = 100,
                                           .records = &record,
                                           .n = 1,
                                           .canonical = str_of(canonical)};
    mx_take_addresses(&mx, 0, type, &answer);
}

static const char *wanted(void)
{
    static char name[MX_TLSA_NAME_SIZE];
    return mx_wants_tlsa(&mx, &us, 0, name) ? name : "none";
}

static void say_of_tlsa(enum dns_status status)
{
    const struct dns_record record = {.data = str_n("\3\1\1"
                                                    "0123456789abcdef0123456789abcdef",
                                                    35)};
    const struct resolver_answer answer = {.status = status,
                                           .flags = RESOLVER_SECURE,
                                           .ttl = 100,
                                           .records = &record,
                                           .n = status == DNS_FOUND};
    assert_int_equal(mx_take_tlsa(&mx, 0, &answer), 0);
}

static void a_proved_host(void)
{
    const struct dns_record record = {.data = STR("m.a.example"), .preference = 1};
    const struct resolver_answer answer = {
        .status = DNS_FOUND, .flags = RESOLVER_SECURE, .ttl = 300, .records = &record, .n = 1};
    assert_int_equal(mx_take_hosts(&mx, &us, "a.example", &answer, 1), MX_FOUND);
}

/* RFC 7672 2.2.2 */
static void an_alias_has_its_ends_keys(void **state)
{
    a_proved_host();
    address_of(DNS_A, "End.example");
    nothing(0, DNS_AAAA, DNS_NO_DATA);
    assert_string_equal(wanted(), "_25._tcp.end.example");
    say_of_tlsa(DNS_FOUND);
    assert_string_equal(wanted(), "none");
    assert_int_equal(all(), MX_FOUND);
    assert_string_equal(targets->list[0].who->name, "m.a.example");
    assert_string_equal(targets->list[0].who->tlsa_name, "end.example");
    mx_release(&mx);
}

static void where_its_end_has_none_its_own_count(void **state)
{
    a_proved_host();
    address_of(DNS_AAAA, "end.example");
    address_of(DNS_A, "end.example");
    say_of_tlsa(DNS_NO_DATA);
    assert_string_equal(wanted(), "_25._tcp.m.a.example");
    say_of_tlsa(DNS_FOUND);
    assert_string_equal(wanted(), "none");
    assert_int_equal(all(), MX_FOUND);
    assert_string_equal(targets->list[0].who->tlsa_name, "m.a.example");
    mx_release(&mx);
}

static void what_is_not_known_is_not_asked_elsewhere(void **state)
{
    a_proved_host();
    address_of(DNS_A, "end.example");
    say_of_tlsa(DNS_TEMP_FAILED);
    assert_string_equal(wanted(), "none");
    assert_int_equal(all(), MX_LATER);
    mx_release(&mx);
}

static void aliases_that_disagree_are_none(void **state)
{
    a_proved_host();
    address_of(DNS_A, "end.example");
    address_of(DNS_AAAA, "other.example");
    assert_string_equal(wanted(), "_25._tcp.m.a.example");
    a_proved_host();
    address_of(DNS_A, "");
    address_of(DNS_AAAA, "other.example");
    assert_string_equal(wanted(), "_25._tcp.m.a.example");
}

/* --- servers of the settings --- */

static void servers_of_the_settings_are_found_by_name(void **state)
{
    const struct conf_hop items[] = {
        {.host = "192.0.2.7", .port = 26, .text = "smtp://192.0.2.7:26"},
        {.host = "m.example", .named = true, .port = 587, .text = "smtp://m.example:587"}};
    const struct conf_hops servers = {items, 2};
    mx_take_servers(&mx, &servers);
    assert_int_equal(mx.n, 2);
    const struct dns_record record = {.data = str_n("\x7f\x00\x00\x01", 4)};
    const struct resolver_answer answer = {
        .status = DNS_FOUND, .flags = RESOLVER_SECURE, .ttl = 100, .records = &record, .n = 1};
    mx_take_addresses(&mx, 1, DNS_A, &answer);
    char name[MX_TLSA_NAME_SIZE];
    assert_false(mx_wants_tlsa(&mx, &us, 0, name));
    assert_true(mx_wants_tlsa(&mx, &us, 1, name));
    assert_string_equal(name, "_587._tcp.m.example");
    assert_int_equal(mx_server_targets(&mx, &servers, targets), MX_FOUND);
    assert_int_equal(targets->n, 2);
    assert_string_equal(targets->list[0].place.host, "192.0.2.7");
    assert_null(targets->list[0].who);
    /* never_to is about what strangers name */
    assert_string_equal(targets->list[1].place.text, "m.example [127.0.0.1]:587");
    assert_int_equal(targets->list[1].place.port, 587);
    assert_true(targets->list[1].who->secure);
    mx_release(&mx);
}

static void a_server_that_is_not_found_is_waited_for(void **state)
{
    const struct conf_hop item = {.host = "m.example", .named = true, .port = 25};
    const struct conf_hops servers = {&item, 1};
    mx_take_servers(&mx, &servers);
    nothing(0, DNS_A, DNS_NO_NAME);
    nothing(0, DNS_AAAA, DNS_TEMP_FAILED);
    assert_int_equal(mx_server_targets(&mx, &servers, targets), MX_LATER);
    assert_string_equal(mx.why, "4.4.4 the DNS has no address of m.example");
    assert_true(targets->partial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_TARGETS(the_preferred_comes_first),
        WITH_TARGETS(equal_ones_share_the_load),
        WITH_TARGETS(without_mx_the_domain_is_its_server),
        WITH_TARGETS(only_certainty_is_for_good),
        WITH_TARGETS(a_null_mx_among_others_is_none),
        WITH_TARGETS(our_name_ends_the_list),
        WITH_TARGETS(our_address_ends_the_list),
        WITH_TARGETS(we_are_the_best),
        WITH_TARGETS(our_other_ports_are_not_we),
        WITH_TARGETS(where_nobody_else_is_we_do_not_go),
        WITH_TARGETS(what_is_not_known_is_not_for_good),
        WITH_TARGETS(hostile_answers_are_bounded),
        WITH_TARGETS(hostile_names_are_passed_over),
        WITH_TARGETS(records_of_a_wrong_length_are_none),
        WITH_TARGETS(an_address_needs_no_dns),
        WITH_TARGETS(an_alias_has_its_ends_keys),
        WITH_TARGETS(where_its_end_has_none_its_own_count),
        WITH_TARGETS(what_is_not_known_is_not_asked_elsewhere),
        WITH_TARGETS(aliases_that_disagree_are_none),
        WITH_TARGETS(servers_of_the_settings_are_found_by_name),
        WITH_TARGETS(a_server_that_is_not_found_is_waited_for),
    };
    return tap_run(tests, NULL, NULL);
}
