/* Lists that rules ask: which are tried, what makes one be switched off, and when it comes back. */
#include "t/unit/rules_world.h"

#include "gateway/zones.h"
#include "sender/dns_file.h"
#include "sender/dns_memo.h"

#define RELAYS "header X eval:check_rbl('a', 'ip.example.')\n"
#define LINKS  "urirhsbl X name.example. A\nbody X eval:check_uridnsbl('X')\n"
#define NAMES  LINKS "tflags X net domains_only\n"

struct trial {
    struct world w;
    struct zones *zones;
    size_t questions; /* of the last round */
};

static void open_trial(struct trial *t, const char *rules)
{
    *t = (struct trial){.questions = 0};
    world_open(&t->w, rules, RULES_SCORE_NET);
    t->zones = zones_new(t->w.set);
    assert_non_null(t->zones);
}

static void close_trial(struct trial *t)
{
    zones_free(&t->zones);
    world_close(&t->w);
}

/* One message at that time; how many lists are off then. */
static size_t off_at(struct trial *t, int64_t now, const char *records)
{
    struct err err = {""};
    struct dns_query queries[DNS_QUESTIONS_MAX];
    struct dns_file *file = dns_file_parse(str_of(records), "zone", &err);
    if (file == NULL)
        fail_msg("%s", err.text);
    const struct dns_source source = dns_file_source(file);
    const struct dns_source memo = dns_memo_source(dns_memo_new(t->w.pool, &source));
    size_t n = 0;
    t->questions = 0;
    zones_questions(t->zones, now, t->w.pool, queries, &t->questions, DNS_QUESTIONS_MAX);
    memo.ask(memo.data, t->w.pool, queries, t->questions);
    zones_take(t->zones, now, t->w.pool, &memo);
    zones_off(t->zones, &n);
    dns_file_free(&file);
    return n;
}

static size_t off(const char *rules, const char *records)
{
    struct trial t;
    open_trial(&t, rules);
    size_t n = off_at(&t, 1000, records);
    close_trial(&t);
    return n;
}

static void a_list_of_addresses_is_tried(void **state)
{
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example A 127.0.0.2\n"), 0);
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example A 127.0.10.0\n"), 0);
    assert_int_equal(off(RELAYS, ""), 1); /* dead */
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example A 127.0.0.2\n"
                                 "1.0.0.127.ip.example A 127.0.0.3\n"),
                     1); /* holds everybody */
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example A 127.255.255.254\n"
                                 "1.0.0.127.ip.example A 127.255.255.254\n"),
                     1); /* refuses us */
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example A 192.0.2.1\n"
                                 "1.0.0.127.ip.example A 192.0.2.1\n"),
                     1); /* its domain was sold */
    assert_int_equal(off(RELAYS, "2.0.0.127.ip.example TIMEOUT\n"), 1);
    assert_int_equal(off(RELAYS,
                         "2.0.0.127.ip.example A 127.0.0.2\n1.0.0.127.ip.example TEMPFAIL\n"),
                     1);
    assert_int_equal(off(RELAYS, "test.ip.example A 127.0.0.2\n"), 1);
}

static void a_list_of_names_is_tried(void **state)
{
    assert_int_equal(off(NAMES, "test.name.example A 127.0.0.2\n"), 0);
    assert_int_equal(off(NAMES, "2.0.0.127.name.example A 127.0.0.2\n"), 1);
    assert_int_equal(off(NAMES,
                         "test.name.example A 127.0.0.2\ninvalid.name.example A 127.0.0.2\n"),
                     1);
    /* one that refuses addresses alone is not asked for any (domains_only) */
    assert_int_equal(off(NAMES,
                         "test.name.example A 127.0.1.2\n1.0.0.127.name.example A 127.0.1.255\n"),
                     0);
    /* of both, either test entry will do */
    assert_int_equal(off(LINKS, "test.name.example A 127.0.0.2\n"), 0);
    assert_int_equal(off(LINKS, "2.0.0.127.name.example A 127.0.0.14\n"), 0);
    assert_int_equal(off(LINKS, "test.name.example A 127.0.0.1\n"
                                "invalid.name.example A 127.0.0.1\n"
                                "2.0.0.127.name.example A 127.0.0.1\n"
                                "1.0.0.127.name.example A 127.0.0.1\n"),
                     1); /* so does URIBL refuse */
}

static void each_is_tried_once_and_templates_never(void **state)
{
    struct rules_zone list[4];
    struct world w;
    world_open(&w,
               RELAYS "header Y eval:check_rbl_txt('b', 'IP.example')\n"
                      "header Z eval:check_rbl_sub('a', '2')\n"
                      "askdns Q _AUTHORDOMAIN_.asked.example A\n",
               RULES_SCORE_NET);
    assert_int_equal(ruleset_zones(w.set, list, 4), 1);
    assert_true(list[0].addresses && !list[0].names);
    assert_int_equal(ruleset_zones(w.set, list, 0), 0);
    world_close(&w);
}

static void it_is_looked_at_again(void **state)
{
    static const char dead[] = "", good[] = "2.0.0.127.ip.example A 127.0.0.2\n";
    struct trial t;
    open_trial(&t, RELAYS);
    assert_int_equal(off_at(&t, 1000, good), 0);
    assert_int_equal(t.questions, 2);
    assert_int_equal(off_at(&t, 1001, dead), 0);
    assert_int_equal(t.questions, 0);
    assert_int_equal(off_at(&t, 1000 + ZONES_CHECK_EVERY, dead), 1);
    assert_int_equal(off_at(&t, 1001 + ZONES_CHECK_EVERY, good), 1);
    assert_int_equal(t.questions, 0);
    assert_int_equal(off_at(&t, 1000 + ZONES_CHECK_EVERY + ZONES_CHECK_SOON, good), 0);
    close_trial(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_addresses_is_tried),
        cmocka_unit_test(a_list_of_names_is_tried),
        cmocka_unit_test(each_is_tried_once_and_templates_never),
        cmocka_unit_test(it_is_looked_at_again),
    };
    return tap_run(tests, NULL, NULL);
}
