/* What is remembered about clients: the table, harvesting, greylisting; and the check of HELO. */
#include "t/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/gate/greylist.h"
#include "gateway/gate/harvest.h"
#include "gateway/gate/helo.h"
#include "gateway/gate/ours.h"

#define START 1000000u

static char state[] = "/tmp/poterne-gate-XXXXXX";

static int make_state(void **data)
{
    char path[128];
    if (mkdtemp(state) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/gate", state);
    return mkdir(path, 0700);
}

static int remove_state(void **data)
{
    static const char *const names[] = {"/gate/t",
                                        "/gate/" GREYLIST_TABLE,
                                        "/gate/" GREYLIST_PASSED_TABLE,
                                        "/gate/" GREYLIST_KNOWN_TABLE,
                                        "/gate",
                                        ""};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s%s", state, names[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
    return 0;
}

static struct gate_table *open_table(size_t entries)
{
    struct err err = {""};
    struct gate_table *t = gate_table_open(state, "t", entries, &err);
    assert_non_null(t);
    return t;
}

static struct gate_key key_of(const char *ip)
{
    struct gate_key key;
    assert_true(gate_network(str_of(ip), &key));
    return key;
}

static void networks_are_told_apart(void **data)
{
    struct gate_key a = key_of("192.0.2.1"), b = key_of("::ffff:192.0.2.200"),
                    c = key_of("192.0.3.1"), d = key_of("2001:db8:1:2:3::1"),
                    e = key_of("2001:db8:1:2:4::"), f = key_of("2001:db8:1:3::");
    char text[GATE_NETWORK_SIZE];
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_memory_equal(&d, &e, sizeof a);
    assert_memory_not_equal(&d, &f, sizeof a);
    gate_network_text(&a, text);
    assert_string_equal(text, "192.0.2.0/24");
    gate_network_text(&d, text);
    assert_string_equal(text, "2001:db8:1:2::/64");
    assert_false(gate_network(STR("unknown"), &a));
    assert_false(gate_network(STR("192.0.2.0/24"), &a));
    assert_false(gate_network(STR(""), &a));
}

static void a_table_outlives_its_process(void **data)
{
    struct gate_key key = key_of("192.0.2.1"), other = key_of("192.0.9.1");
    struct gate_table *t = open_table(64);
    assert_null(gate_table_find(t, &key));
    gate_table_take(t, &key, START)->bad = 7;
    struct gate_table *beside = open_table(64); /* the next generation */
    assert_int_equal(gate_table_find(beside, &key)->bad, 7);
    gate_table_find(beside, &key)->bad = 8;
    assert_int_equal(gate_table_find(t, &key)->bad, 8);
    gate_table_close(&beside);
    gate_table_close(&t);
    t = open_table(64);
    assert_int_equal(gate_table_find(t, &key)->bad, 8);
    assert_int_equal(gate_table_take(t, &key, START + 5)->since, START);
    assert_null(gate_table_find(t, &other));
    gate_table_close(&t);
    t = open_table(128); /* another size: it begins anew */
    assert_null(gate_table_find(t, &key));
    gate_table_close(&t);
}

static void a_damaged_file_is_made_anew(void **data)
{
    struct gate_key key = key_of("192.0.2.1");
    char path[128];
    snprintf(path, sizeof path, "%s/gate/t", state);
    for (off_t size = 0; size < 100; size += 33) {
        struct gate_table *t = open_table(64);
        gate_table_take(t, &key, START);
        gate_table_close(&t);
        assert_int_equal(truncate(path, size), 0);
        t = open_table(64);
        assert_null(gate_table_find(t, &key));
        gate_table_take(t, &key, START);
        gate_table_close(&t);
    }
    struct err err = {""};
    struct gate_table *lost = gate_table_open("/nonexistent", "t", 64, &err);
    assert_non_null(lost);
    gate_table_take(lost, &key, START);
    assert_non_null(gate_table_find(lost, &key));
    gate_table_close(&lost);
    assert_null(gate_table_existing("/nonexistent", "t", &err));
}

static void who_was_met_last_stays(void **data)
{
    struct gate_table *t = open_table(64);
    struct gate_key mine = key_of("10.0.0.1");
    for (unsigned i = 0; i < 10000; i++) {
        struct gate_key key = {.bytes = {1, (unsigned char)(i >> 8), (unsigned char)i}};
        gate_table_take(t, &mine, START + i)->good++;
        gate_table_take(t, &key, START + i);
    }
    assert_int_equal(gate_table_find(t, &mine)->good, 10000);
    size_t at = 0, n = 0;
    while (gate_table_next(t, &at))
        n++;
    assert_int_equal(n, 64);
    gate_table_close(&t);
}

static void who_guesses_is_slowed_then_refused(void **data)
{
    const struct conf_gate conf = {.harvest_limit = 10, .harvest_window = 100, .harvest_pause = 50};
    struct gate_table *t = open_table(64);
    struct gate_key key = key_of("203.0.113.1");
    size_t at = 0;
    for (struct gate_entry *e; (e = gate_table_next(t, &at));)
        e->used = 0;
    assert_false(harvest_note(t, &conf, &key, true, START));
    assert_null(gate_table_find(t, &key)); /* nothing to remember */
    for (unsigned i = 0; i < 5; i++)
        assert_false(harvest_note(t, &conf, &key, false, START));
    assert_int_equal(harvest_ask(t, &conf, &key, START), HARVEST_NONE);
    assert_false(harvest_note(t, &conf, &key, false, START));
    assert_int_equal(harvest_ask(t, &conf, &key, START), HARVEST_SLOW);
    for (unsigned i = 0; i < 3; i++)
        assert_false(harvest_note(t, &conf, &key, false, START));
    assert_true(harvest_note(t, &conf, &key, false, START));
    assert_int_equal(harvest_ask(t, &conf, &key, START), HARVEST_REFUSED);
    assert_false(harvest_note(t, &conf, &key, false, START + 1)); /* said once */
    assert_int_equal(harvest_ask(t, &conf, &key, START + 49), HARVEST_REFUSED);
    harvest_note(t, &conf, &key, false, START + 50);
    assert_int_equal(harvest_ask(t, &conf, &key, START + 50), HARVEST_NONE);
    /* an old list of a sender that knows more than it guesses */
    key = key_of("203.0.114.1");
    for (unsigned i = 0; i < 100; i++) {
        assert_false(harvest_note(t, &conf, &key, false, START));
        harvest_note(t, &conf, &key, true, START);
        harvest_note(t, &conf, &key, true, START);
    }
    assert_int_equal(harvest_ask(t, &conf, &key, START), HARVEST_NONE);
    gate_table_close(&t);
}

static const struct conf_gate grey = {.greylist_delay = 300,
                                      .greylist_window = 3600,
                                      .greylist_lifetime = 86400};

/* From a network; `vouched` NULL: nobody vouches for it. */
static unsigned grey_ask(struct greylist *list, const char *network, const char *vouched,
                         const char *from, uint32_t now)
{
    struct gate_key key = key_of(network), domain;
    struct greylist_client client = {.network = &key};
    if (vouched) {
        domain = greylist_sender(NULL, str_of(vouched));
        client.vouched = &domain;
    }
    return greylist_ask(list, &grey, &client, str_of(from), STR("jean@ours.example"), now);
}

static void who_comes_again_is_let_in(void **data)
{
    static const char from[] = "a@b.example", one[] = "198.51.100.1", two[] = "198.51.101.1";
    struct greylist list;
    struct err err = {""};
    assert_int_equal(greylist_open(&list, state, &err), 0);
    assert_int_equal(grey_ask(&list, one, NULL, from, START), 300);
    assert_int_equal(grey_ask(&list, one, NULL, from, START + 100), 200);
    assert_int_equal(grey_ask(&list, one, NULL, "c@b.example", START + 300), 300);
    greylist_close(&list);
    assert_int_equal(greylist_open(&list, state, &err), 0); /* a restart */
    assert_int_equal(grey_ask(&list, two, NULL, from, START + 300), 300);
    assert_int_equal(grey_ask(&list, one, NULL, "A@B.example", START + 300), 0);
    /* its network has passed, the other came too late */
    assert_int_equal(grey_ask(&list, one, NULL, "x@y", START + 301), 0);
    assert_int_equal(grey_ask(&list, two, NULL, from, START + 5000), 300);
    assert_int_equal(grey_ask(&list, one, NULL, from, START + 90000), 300);
    greylist_close(&list);
}

static void a_pool_comes_again_from_wherever(void **data)
{
    static const char from[] = "a@mail.big.com";
    struct greylist list;
    struct err err = {""};
    assert_int_equal(greylist_open(&list, state, &err), 0);
    assert_int_equal(grey_ask(&list, "203.0.113.1", "mail.big.com", from, START), 300);
    assert_int_equal(grey_ask(&list, "203.0.114.1", NULL, from, START + 300), 300);
    assert_int_equal(grey_ask(&list, "203.0.115.1", "mail.big.com", from, START + 300), 0);
    /* the whole organization, and nobody that it does not vouch for */
    assert_int_equal(grey_ask(&list, "203.0.116.1", "Big.COM", "x@big.com", START + 301), 0);
    assert_int_equal(grey_ask(&list, "203.0.115.1", NULL, "y@big.com", START + 301), 300);
    assert_int_equal(grey_ask(&list, "203.0.115.1", "other.com", "y@other.com", START + 301), 300);
    assert_int_equal(grey_ask(&list, "203.0.116.1", "big.com", from, START + 90000), 300);
    greylist_close(&list);
}

static void who_sent_good_mail_is_known(void **data)
{
    struct greylist list;
    struct err err = {""};
    struct gate_key network = key_of("192.0.2.1"), other = key_of("192.0.3.1");
    struct gate_key sender = greylist_sender(&network, STR("Friend.example"));
    struct gate_key same = greylist_sender(&network, STR("friend.example"));
    struct gate_key elsewhere = greylist_sender(&other, STR("friend.example"));
    assert_int_equal(greylist_open(&list, state, &err), 0);
    greylist_judged(&list, &sender, false, START); /* spam makes nobody known */
    assert_false(greylist_knows(&list, &grey, &sender, START));
    greylist_judged(&list, &sender, true, START);
    greylist_close(&list);
    assert_int_equal(greylist_open(&list, state, &err), 0);
    assert_true(greylist_knows(&list, &grey, &same, START + 86400));
    assert_false(greylist_knows(&list, &grey, &same, START + 86401));
    assert_false(greylist_knows(&list, &grey, &elsewhere, START));
    greylist_judged(&list, &same, false, START + 1);
    assert_false(greylist_knows(&list, &grey, &same, START + 1));
    for (unsigned i = 0; i < 1000; i++)
        greylist_judged(&list, &same, true, START + 2);
    assert_true(greylist_knows(&list, &grey, &same, START + 2));
    /* what it was long ago counts no more */
    for (unsigned i = 0; i < 2 * GREYLIST_JUDGEMENTS_MAX; i++)
        greylist_judged(&list, &same, false, START + 3);
    assert_false(greylist_knows(&list, &grey, &same, START + 3));
    greylist_close(&list);
}

static void wrong_names_in_helo(void **data)
{
    static const char *items[] = {"own", "address", "unqualified"};
    struct conf conf = {.hostname = "mx.ours.example", .gate.helo_refuse = {items, 3}};
    const struct str client = STR("192.0.2.1"), server = STR("198.51.100.25");
    static const struct {
        const char *name;
        enum helo result;
    } cases[] = {
        {"mx.ours.example", HELO_OURS},
        {"MX.Ours.Example.", HELO_OURS},
        {"[198.51.100.25]", HELO_OURS},
        {"198.51.100.25", HELO_OURS},
        {"[IPv6:::ffff:198.51.100.25]", HELO_OURS},
        {"mail.b.example", HELO_FINE},
        {"[192.0.2.1]", HELO_FINE},
        {"[IPv6:2001:db8::1]", HELO_FINE},
        {"192.0.2.1", HELO_ADDRESS},
        {"2001:db8::1", HELO_ADDRESS},
        {"localhost", HELO_UNQUALIFIED},
        {"WIN-1234", HELO_UNQUALIFIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(helo_check(&conf, str_of(cases[i].name), client, server), cases[i].result);
    /* this machine's own programs */
    assert_int_equal(helo_check(&conf, STR("mx.ours.example"), STR("127.0.0.1"), server),
                     HELO_FINE);
    assert_int_equal(helo_check(&conf, STR("mx.ours.example"), STR("::1"), server), HELO_FINE);
    assert_int_equal(helo_check(&conf, STR("mx.ours.example"), server, server), HELO_FINE);
    conf.gate.helo_refuse.n = 1;
    assert_int_equal(helo_check(&conf, STR("localhost"), client, server), HELO_FINE);
    assert_int_equal(helo_check(&conf, STR("192.0.2.1"), client, server), HELO_FINE);
    conf.gate.helo_refuse.n = 0;
    assert_int_equal(helo_check(&conf, STR("mx.ours.example"), client, server), HELO_FINE);
}

static void our_own_mail_is_known(void **data)
{
    static const char *items[] = {"192.0.2.0/24"};
    const struct conf_list list = {items, 1};
    struct networks inside;
    struct err err;
    assert_int_equal(networks_load(&list, &inside, &err), 0);
    assert_true(ours_is(&inside, STR("ESMTP"), STR("192.0.2.7")));
    assert_false(ours_is(&inside, STR("ESMTPS"), STR("198.51.100.7")));
    assert_false(ours_is(&inside, STR("UTF8SMTPS"), STR("")));
    assert_true(ours_is(&inside, STR("ESMTPA"), STR("198.51.100.7")));
    assert_true(ours_is(&inside, STR("ESMTPSA"), STR("198.51.100.7")));
    assert_true(ours_is(&inside, STR("UTF8SMTPSA"), STR("198.51.100.7")));
    assert_true(ours_is(&inside, STR("local"), STR("")));
    networks_free(&inside);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_told_apart),
        cmocka_unit_test(our_own_mail_is_known),
        cmocka_unit_test(a_table_outlives_its_process),
        cmocka_unit_test(a_damaged_file_is_made_anew),
        cmocka_unit_test(who_was_met_last_stays),
        cmocka_unit_test(who_guesses_is_slowed_then_refused),
        cmocka_unit_test(who_comes_again_is_let_in),
        cmocka_unit_test(a_pool_comes_again_from_wherever),
        cmocka_unit_test(who_sent_good_mail_is_known),
        cmocka_unit_test(wrong_names_in_helo),
    };
    return tap_run(tests, make_state, remove_state);
}
