#include "t/unit/tap.h"

#include <arpa/inet.h>

#include "base/network.h"

static bool holds(const char *network, const char *ip)
{
    struct network n;
    if (!network_parse(str_of(network), &n))
        fail_msg("%s is taken for no network", network);
    return network_holds(&n, str_of(ip));
}

static void a_network_holds_what_its_prefix_says(void **state)
{
    assert_true(holds("10.0.0.0/8", "10.255.0.1"));
    assert_false(holds("10.0.0.0/8", "11.0.0.0"));
    assert_true(holds("192.0.2.128/25", "192.0.2.200"));
    assert_false(holds("192.0.2.128/25", "192.0.2.127"));
    assert_true(holds("192.0.2.1", "192.0.2.1"));
    assert_false(holds("192.0.2.1", "192.0.2.2"));
    assert_true(holds("0.0.0.0/0", "203.0.113.9"));
    assert_true(holds("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(holds("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(holds("::1", "::1"));
}

/* Mail clients over IPv6 sockets have mapped addresses; 0.0.0.0/0 is no IPv6 address. */
static void the_two_families_do_not_mix(void **state)
{
    assert_true(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(holds("0.0.0.0/0", "2001:db8::1"));
    assert_true(holds("::/0", "2001:db8::1"));
}

static void what_is_no_network_is_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "/8",
                                        "10.0.0.0/",
                                        "10.0.0.0/33",
                                        "10.0.0.1/8",
                                        "10.0.0/8",
                                        "10.0.0.0/8 ",
                                        "::1/129",
                                        "2001:db8::1/32",
                                        "localhost",
                                        "10.0.0.0/-1",
                                        "10.0.0.0/8/8"};
    struct network n;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (network_parse(str_of(wrong[i]), &n))
            fail_msg("`%s` is taken for a network", wrong[i]);
    assert_false(network_parse(STR("10.0.0.1\0x"), &n));
}

static void what_is_no_address_is_in_none(void **state)
{
    assert_false(holds("0.0.0.0/0", ""));
    assert_false(holds("::/0", "unknown"));
    assert_false(holds("::/0", "1.2.3.4.5"));
}

static void addresses_are_reversed_as_the_dns_asks_for_them(void **state)
{
    const unsigned char four[4] = {192, 0, 2, 10};
    const unsigned char six[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 0xab, [15] = 0xcd};
    char out[NETWORK_REVERSE_SIZE];
    assert_int_equal(network_reverse(four, 4, out), strlen("10.2.0.192"));
    assert_string_equal(out, "10.2.0.192");
    assert_int_equal(network_reverse(six, 16, out), 63);
    assert_string_equal(out, "d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2");
}

static void an_address_to_connect_to(void **state)
{
    struct sockaddr_storage at;
    assert_int_equal(network_sockaddr(STR("192.0.2.1"), 25, &at), sizeof(struct sockaddr_in));
    assert_int_equal(at.ss_family, AF_INET);
    assert_int_equal(((struct sockaddr_in *)&at)->sin_port, htons(25));
    assert_int_equal(network_sockaddr(STR("2001:db8::1"), 0, &at), sizeof(struct sockaddr_in6));
    assert_int_equal(at.ss_family, AF_INET6);
    const struct str wrong[] = {STR(""),           STR("mx.example"),   STR("[2001:db8::1]"),
                                STR("192.0.2.1 "), STR("192.0.2.1\0x"), STR("::1%lo")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(network_sockaddr(wrong[i], 25, &at), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_holds_what_its_prefix_says),
        cmocka_unit_test(the_two_families_do_not_mix),
        cmocka_unit_test(what_is_no_network_is_refused),
        cmocka_unit_test(what_is_no_address_is_in_none),
        cmocka_unit_test(addresses_are_reversed_as_the_dns_asks_for_them),
        cmocka_unit_test(an_address_to_connect_to),
    };
    return tap_run(tests, NULL, NULL);
}
