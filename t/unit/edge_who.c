/* DNS lists and what they make of a client: names, answers, weights, words; and edge's questions
 * where no resolver is. */
#include "t/unit/tap.h"

#include <event2/event.h>
#include <stdio.h>

#include "gateway/edge/vouch.h"
#include "gateway/edge/who.h"

static const char base_text[] =
    "hostname = mx.example.org\n"
    "resolver { time_per_client = 1 }\n"
    "domain example.org { next_hop = \"lmtp://127.0.0.1:24\"; directory = { file \"/x\" } }\n";

static struct conf *conf_with(const char *more)
{
    struct err err = {""};
    struct buf text = BUF_INIT(10000);
    buf_addf(&text, "%s%s", base_text, more);
    struct conf *conf = conf_parse(buf_str(&text), "t.conf", &err);
    buf_release(&text);
    if (conf == NULL)
        fail_msg("%s", err.text);
    return conf;
}

static void names_are_turned_round(void **state)
{
    char name[LISTS_NAME_SIZE];
    bool four;
    assert_true(lists_name("192.0.2.99", "bl.example", name, &four));
    assert_string_equal(name, "99.2.0.192.bl.example");
    assert_true(four);
    assert_true(lists_name("2001:db8::1", NULL, name, &four));
    assert_string_equal(name,
                        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    assert_false(four);
    /* RFC 5782 5: the test entry of a list of IPv6 addresses */
    assert_true(lists_name("::ffff:127.0.0.2", "x", name, &four));
    assert_string_equal(name, "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.x");
    assert_false(lists_name("nonsense", "x", name, &four));
    char zone[DNS_NAME_MAX];
    memset(zone, 'a', sizeof zone - 1);
    zone[sizeof zone - 1] = '\0';
    assert_false(lists_name("192.0.2.99", zone, name, &four));
}

static void only_its_answers_mean_listed(void **state)
{
    struct conf *conf =
        conf_with("list a { zone = a.example; answers = { 127.0.0.2, 127.0.1.0/24 } }");
    const struct dns_record error = {.data = STR("\x7f\xff\xff\xfe")};
    const struct dns_record both[] = {{.data = STR("\x7f\0\0\3")}, {.data = STR("\x7f\0\1\7")}};
    const struct dns_record odd = {.data = STR("\x7f\0\0")};
    assert_false(lists_says_listed(&conf->lists[0], &(struct resolver_answer){.n = 0}));
    assert_false(
        lists_says_listed(&conf->lists[0], &(struct resolver_answer){.records = &error, .n = 1}));
    assert_false(
        lists_says_listed(&conf->lists[0], &(struct resolver_answer){.records = &odd, .n = 1}));
    assert_true(
        lists_says_listed(&conf->lists[0], &(struct resolver_answer){.records = both, .n = 2}));
    conf_free(&conf);
}

static struct who_listed judged(const struct conf *conf, uint32_t listed)
{
    const struct who_facts facts = {.name = "", .listed = listed};
    struct who_listed result;
    who_judge(conf, &facts, "192.0.2.1", &result);
    return result;
}

/* Bits are in the order of the names. */
enum { ALLOW = 1, BLOCK = 2, HEAVY = 4, LIGHT = 8 };

static void lists_are_weighed(void **state)
{
    struct conf *conf = conf_with("smtp { lists_refuse = 3 }\n"
                                  "list allow { zone = a.example; action = allow; weight = 4 }\n"
                                  "list block { zone = b.example; action = reject; weight = 0.5 }\n"
                                  "list heavy { zone = h.example; weight = 2 }\n"
                                  "list light { zone = l.example }\n");
    assert_false(judged(conf, 0).refuse);
    assert_false(judged(conf, HEAVY).refuse);
    assert_float_equal(judged(conf, HEAVY).points, 2, 1e-9);
    assert_true(judged(conf, HEAVY | LIGHT).refuse);
    assert_string_equal(judged(conf, HEAVY | LIGHT).why,
                        "192.0.2.1 is listed by heavy (h.example)");
    assert_true(judged(conf, BLOCK).refuse);
    assert_string_equal(judged(conf, BLOCK | HEAVY).why,
                        "192.0.2.1 is listed by block (b.example)");
    assert_false(judged(conf, ALLOW | BLOCK | HEAVY | LIGHT).refuse);
    assert_float_equal(judged(conf, ALLOW | HEAVY).points, -2, 1e-9);
    assert_false(judged(conf, ALLOW).refuse);
    conf_free(&conf);
}

static void without_a_threshold_points_refuse_nobody(void **state)
{
    struct conf *conf = conf_with("list heavy { zone = h.example; weight = 1000 }");
    assert_false(judged(conf, 1).refuse);
    assert_float_equal(judged(conf, 1).points, 1000, 1e-9);
    conf_free(&conf);
}

static void it_is_told(void **state)
{
    struct conf *conf = conf_with("list my-list { zone = a.example; action = allow; weight = 2 }\n"
                                  "list other { zone = b.example }\n");
    const struct who_facts facts = {.iprev = IPREV_PASS,
                                    .name = "mx.example",
                                    .listed = 1,
                                    .unknown = 2};
    struct buf out = BUF_INIT(1000);
    who_evidence(conf, &facts, &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"iprev\":\"pass\",\"name\":\"mx.example\",\"lists\":[{\"name\":"
                        "\"my-list\",\"action\":\"allow\",\"points\":-2.000}],\"unknown\":["
                        "\"other\"]}");
    buf_clear(&out);
    who_tests(conf, &(struct who_facts){.name = "", .listed = 3}, &out);
    assert_string_equal(buf_cstr(&out), "LIST_MY_LIST=-2.0,LIST_OTHER=1.0");
    buf_release(&out);
    conf_free(&conf);
}

static void note_facts(void *data, const struct who_facts *facts)
{
    struct who_facts *seen = data;
    *seen = *facts;
    seen->name = *facts->name ? "?" : "";
}

/* At once, and not after the time that a client has. */
static void without_a_resolver_nothing_is_known(void **state)
{
    struct conf *conf = conf_with("list a { zone = a.example; action = reject }");
    struct event_base *base = event_base_new();
    struct err err = {""};
    struct dns_desk *desk = dns_desk_open(base, "/nowhere", &err);
    struct lists *lists = desk ? lists_open(conf, desk) : NULL;
    struct who_facts seen = {.iprev = IPREV_NONE};
    assert_non_null(lists);
    assert_false(lists_serves(lists, 0, true));
    struct who *who = who_ask(base, conf, desk, lists, "192.0.2.1", note_facts, &seen);
    assert_non_null(who);
    assert_int_equal(seen.iprev, IPREV_NONE); /* not from within */
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(seen.iprev, IPREV_TEMPERROR);
    assert_int_equal(seen.listed, 0);
    assert_int_equal(seen.unknown, 1);
    assert_string_equal(seen.name, "");
    who_free(&who);
    lists_close(&lists);
    dns_desk_close(&desk);
    event_base_free(base);
    conf_free(&conf);
}

static struct str vouching = {"never told", 10};

static void note_vouching(void *data, struct str domain)
{
    vouching = domain.n ? STR("somebody") : STR_EMPTY;
    if (data)
        event_base_loopbreak(data);
}

static void without_a_resolver_nobody_vouches(void **state)
{
    struct err err = {""};
    struct event_base *base = event_base_new();
    struct conf *conf = conf_with("");
    struct dns_desk *desk = dns_desk_open(base, "/nonexistent", &err);
    assert_non_null(desk);
    const struct spf_request request = {.client_ip = STR("192.0.2.1"),
                                        .helo = STR("mail.b.example"),
                                        .sender = STR("a@b.example")};
    struct vouch *vouch = vouch_ask(base, conf, desk, &request, note_vouching, base);
    assert_non_null(vouch);
    assert_int_equal(vouching.n, 10); /* never from within the call */
    vouch_free(&vouch);
    assert_null(vouch);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert_int_equal(vouching.n, 10); /* nor when it is not wanted any more */
    vouch = vouch_ask(base, conf, desk, &request, note_vouching, base);
    event_base_dispatch(base);
    assert_int_equal(vouching.n, 0);
    vouch_free(&vouch);
    /* a sender whose domain is none */
    const struct spf_request nonsense = {.client_ip = STR("unknown"), .sender = STR("@")};
    vouching.n = 10;
    vouch = vouch_ask(base, conf, desk, &nonsense, note_vouching, base);
    event_base_dispatch(base);
    assert_int_equal(vouching.n, 0);
    vouch_free(&vouch);
    dns_desk_close(&desk);
    event_base_free(base);
    conf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_turned_round),
        cmocka_unit_test(only_its_answers_mean_listed),
        cmocka_unit_test(lists_are_weighed),
        cmocka_unit_test(without_a_threshold_points_refuse_nobody),
        cmocka_unit_test(it_is_told),
        cmocka_unit_test(without_a_resolver_nothing_is_known),
        cmocka_unit_test(without_a_resolver_nobody_vouches),
    };
    return tap_run(tests, NULL, NULL);
}
