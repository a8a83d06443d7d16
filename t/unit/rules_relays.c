/* Header queries, relays, and the evals that ask them. */
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/eval/eval.h"
#include "rules/facts/header.h"
#include "rules/facts/ip.h"
#include "rules/facts/mailbox.h"
#include "rules/facts/relays.h"
#include "rules/facts/shape.h"
#include "rules/facts/times.h"
#include "rules/ruleset.h"

#define POOL_MAX ((size_t)256 << 20)

struct world {
    struct pool *pool;
    struct ruleset *set;
    struct rules_input input;
    struct facts facts;
};

/* The rules are written into a file, since only files are read. */
static struct ruleset *load(const char *rules)
{
    char path[] = "/tmp/poterne-relays-XXXXXX";
    struct err err = {""};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs(rules, file);
    assert_int_equal(fclose(file), 0);
    const char *paths[] = {path};
    struct ruleset *set = ruleset_load(paths, 1, NULL, NULL, &err);
    remove(path);
    if (set == NULL)
        fail_msg("%s", err.text);
    return set;
}

static void open_world(struct world *w, const char *rules, struct str mail)
{
    struct message *message;
    struct err err = {""};
    *w = (struct world){.pool = pool_new(POOL_MAX), .set = load(rules)};
    assert_non_null(w->pool);
    assert_int_equal(message_parse(w->pool, mail, &mail_limits_default, &message, &err), 0);
    w->input.message = message;
    facts_init(&w->facts, w->pool, &w->input, w->set->settings);
}

static void close_world(struct world *w)
{
    assert_false(w->facts.no_memory);
    ruleset_free(&w->set);
    pool_free(&w->pool);
}

static void assert_text(struct str text, const char *wanted)
{
    if (!str_eq(text, str_of(wanted)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(text), wanted);
}

static void assert_get(struct world *w, const char *request, const char *wanted)
{
    struct str text = facts_get(&w->facts, request);
    if (!str_eq(text, str_of(wanted)))
        fail_msg("%s: \"%.*s\" is not \"%s\"", request, STR_ARG(text), wanted);
}

static double eval(struct world *w, const char *call)
{
    struct eval_call compiled = {0};
    struct err err = {""};
    if (eval_compile(w->pool, str_of(call), &compiled, &err) < 0)
        fail_msg("%s: %s", call, err.text);
    struct eval_context c = {.facts = &w->facts,
                             .input = &w->input,
                             .settings = w->set->settings,
                             .pool = w->pool,
                             .runner = regex_runner_new(&err),
                             .a = compiled.arguments,
                             .n = compiled.n_arguments};
    assert_non_null(c.runner);
    regex_runner_start(c.runner, 5000);
    double answer = compiled.function(&c);
    regex_runner_free(&c.runner);
    eval_call_release(&compiled);
    return answer;
}

static const char mail[] =
    "Received: from mx.shop.example (mx.shop.example [192.0.2.7])\n"
    "\tby in.home.example (Postfix) with ESMTPS id 4AB12\n"
    "\tfor <to@home.example>; Mon, 1 Jan 2024 10:00:02 +0000 (UTC)\n"
    "Received: from [10.1.2.3] (helo=desk) by mx.shop.example with esmtpsa (Exim 4.96)\n"
    "\t(envelope-from <bounce@shop.example>) id 1rK; Mon, 01 Jan 2024 10:00:01 +0000\n"
    "X-Spam-Level: ****\n"
    "From: =?iso-8859-1?Q?Caf=E9?= \"x, y\" <Jean@Shop.example>\n"
    "To: a@t.example, \"B\" <b@t.example>\n"
    "Cc: c@t.example\n"
    "Subject: =?utf-8?B?w6k=?=\n =?utf-8?Q?_t=C3=A9?= NOW\n"
    "Date: Mon, 01 Jan 2024 13:00:00 +0000\n"
    "Message-Id: <1@mx.shop.example>\n"
    "\n"
    "text\n";

static void queries_find_what_spamassassin_finds(void **state)
{
    struct world w;
    open_world(&w, "util_rb_tld example\n", str_of(mail));
    assert_get(&w, "Subject", "\xc3\xa9 t\xc3\xa9 NOW\n");
    assert_get(&w, "Subject:raw", " =?utf-8?B?w6k=?=\n =?utf-8?Q?_t=C3=A9?= NOW\n");
    assert_get(&w, "From:addr", "Jean@Shop.example");
    assert_get(&w, "From:name", "Caf\xc3\xa9 x, y");
    assert_get(&w, "From:addr:host", "Shop.example");
    assert_get(&w, "Received:first:ip", "192.0.2.7");
    assert_get(&w, "Received:first:revip", "7.2.0.192");
    assert_get(&w, "Message-Id:host", "mx.shop.example");
    assert_get(&w, "ToCc", "a@t.example, \"B\" <b@t.example>\nc@t.example\n");
    assert_int_equal(facts_get_all(&w.facts, "ToCc:addr")->n, 3);
    assert_null(facts_get(&w.facts, "X-Missing").s);
    assert_null(facts_get(&w.facts, "X-Spam-Level").s); /* another filter's word */
    assert_true(str_find(facts_get(&w.facts, "ALL:raw"), STR("X-Spam-Level")) != STR_NONE);
    assert_true(str_find(facts_get(&w.facts, "ALL"), STR("X-Spam-Level")) == STR_NONE);
    close_world(&w);
}

static void relays_are_read_and_trusted(void **state)
{
    struct world w;
    open_world(&w, "", str_of(mail));
    assert_get(&w, "X-Spam-Relays-Untrusted",
               "[ ip=192.0.2.7 rdns=mx.shop.example helo=mx.shop.example by=in.home.example ident= "
               "envfrom= intl=0 id=4AB12 auth= msa=0 ] "
               "[ ip=10.1.2.3 rdns= helo=desk by=mx.shop.example ident= "
               "envfrom=bounce@shop.example intl=0 id=1rK auth=esmtpsa msa=0 ]");
    assert_get(&w, "X-Spam-Relays-Trusted", "");
    close_world(&w);
    open_world(&w, "trusted_networks 192.0.2.0/24\ninternal_networks 192.0.2.9\n", str_of(mail));
    const struct relays *relays = facts_relays(&w.facts);
    assert_int_equal(relays->trusted.n, 2); /* the second proved who it is */
    assert_int_equal(relays->internal.n, 0);
    assert_int_equal(relays->last_trusted, 1);
    assert_get(&w, "EnvelopeFrom", "bounce@shop.example");
    close_world(&w);
}

struct received_case {
    const char *value, *text;
};

static void servers_write_in_many_ways(void **state)
{
    static const struct received_case cases[] = {
        {"from a.example (HELO b.example) (192.0.2.1) by c.example with SMTP; 1 Jan 2024 "
         "00:00:00 -0000",
         "[ ip=192.0.2.1 rdns=a.example helo=b.example by=c.example ident= envfrom= intl=0 id= "
         "auth= msa=0 ]"},
        {"from unknown (192.0.2.1) by c.example with QMQP",
         "[ ip=192.0.2.1 rdns= helo=unknown by=c.example ident= envfrom= intl=0 id= auth= msa=0 ]"},
        {"from b.example ([IPv6:2001:db8::1]) by c.example (8.14/8.14) with ESMTP id x12",
         "[ ip=2001:db8::1 rdns= helo=b.example by=c.example ident= envfrom= intl=0 id=x12 auth= "
         "msa=0 ]"},
        {"from A (::ffff:192.0.2.1) by c.example with mapi id 15.20.1.2 via x",
         "[ ip=192.0.2.1 rdns= helo=A by=c.example ident= envfrom= intl=0 id= auth= msa=0 ]"},
        {"from [192.0.2.1] by web1.mail.example via HTTP; Mon, 1 Jan 2024 00:00:00 PST",
         "[ ip=192.0.2.1 rdns= helo= by=web1.mail.example ident= envfrom= intl=0 id= auth= msa=0 "
         "]"},
        {"by c.example with SMTP id x; Mon, 1 Jan 2024 00:00:00 -0800 (PST)", ""},
        {"from root by c.example with local (Exim 4.9) id x", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char text[1000];
        int n = snprintf(text, sizeof text, "Received: %s\nSubject: x\n\nx\n", cases[i].value);
        open_world(&w, "", str_n(text, (size_t)n));
        assert_get(&w, "X-Spam-Relays-Untrusted", cases[i].text);
        assert_int_equal(facts_relays(&w.facts)->n_unparseable, 0);
        close_world(&w);
    }
}

static void shapes_fit(void **state)
{
    struct shape_found found;
    size_t work = 100000;
    assert_true(
        shape_match("%h (%r [%i])%$", SHAPE_EXACT, STR("a (b [192.0.2.1])"), &work, &found));
    assert_text(shape_field(&found, 'r'), "b");
    assert_text(shape_field(&found, 'i'), "192.0.2.1");
    assert_true(shape_search("x%(?(%a)%)y", SHAPE_EXACT, STR("xxy"), &work, &found));
    assert_null(shape_field(&found, 'a').s);
    assert_false(shape_match("ab%!c%)", SHAPE_EXACT, STR("abc"), &work, &found));
    assert_true(shape_match("%[a-c]{2,3}=s%W", SHAPE_ANY_CASE, STR("aBC d"), &work, &found));
    static const struct {
        const char *shape;
        enum shape_case letters;
        const char *text, *all;
    } cases[] = {
        {"%Wby %_", SHAPE_EXACT, "rugby by b", "by b"},
        {"%(x%|%[0-9]+%)=%~;", SHAPE_EXACT, "=a;7=b;", "7=b;"},
        {"%(?ab%)cd", SHAPE_EXACT, "xcd abcd", "cd"},
        {"%(?ab%)cd", SHAPE_ANY_CASE, "x ABcd", "ABcd"},
        {"%[a-c]%[x]*-", SHAPE_ANY_CASE, "-Bxx-", "Bxx-"},
        {"%%%[0-9]", SHAPE_EXACT, "a%b%7", "%7"},
        {"%*hz", SHAPE_EXACT, "a yz", "yz"},
        {"%!x%)%[xy]", SHAPE_EXACT, "xy", "y"},
        {"%_%$", SHAPE_EXACT, "a b", "b"},
        {"%[a]*", SHAPE_EXACT, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        work = 100000;
        assert_true(
            shape_search(cases[i].shape, cases[i].letters, str_of(cases[i].text), &work, &found));
        assert_text(found.all, cases[i].all);
    }
    assert_false(shape_search("a%_ longer", SHAPE_EXACT, STR("ab long"), &work, &found));
    assert_false(shape_search("%[a-c]%[0-9]", SHAPE_EXACT, STR("xyz A1"), &work, &found));
    char all[4000];
    memset(all, 'a', sizeof all);
    work = 50000; /* what could take for ever comes to an end, and says so */
    assert_false(shape_match("%.%.%.%.%.b", SHAPE_EXACT, str_n(all, sizeof all), &work, &found));
    assert_int_equal(work, 0);
}

static void addresses_of_this_world(void **state)
{
    static const char *const good[] = {
        "192.0.2.1",        "::1", "2001:db8::1", "IPv6:fe80::1", "1:2:3:4:5:6:7:8",
        "::ffff:192.0.2.1", "1::"};
    static const char *const bad[] = {
        "192.0.2.256",       "1.2.3", "01.2.3.4", "1:2:3", "12345::1", "1::2::3",
        "1:2:3:4:5:6:7:8:9", ":1",    "x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(ip_at(str_of(good[i]), 0), strlen(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(ip_at(str_of(bad[i]), 0), 0);
    assert_true(ip_is_private(STR("172.16.0.1")) && ip_is_private(STR("::ffff:10.0.0.1")) &&
                ip_is_private(STR("fe80::1")));
    assert_false(ip_is_private(STR("172.32.0.1")) || ip_is_private(STR("2001:db8::1")));
}

static void mailboxes_are_taken_out(void **state)
{
    static const struct {
        const char *value, *name, *address;
    } cases[] = {
        {" \"A \\\"B\\\"\" <a@b.example>\n", "A \"B\" ", "a@b.example"},
        {"a@b.example (Foo)", "Foo", "a@b.example"},
        {"group: a@b.example;", "", "a@b.example"},
        {"\"phish@bank.example\" <x@y.example>", "phish@bank.example ", "x@y.example"},
        {"<a@b@c.example>", "", "a@b"},
        {"Nobody", "Nobody", ""},
        {"\"x\" x.y (<a@b.example>)", "", "a@b.example"},
    };
    struct pool *pool = pool_new(POOL_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mailboxes found;
        assert_int_equal(mailboxes_read(pool, str_of(cases[i].value), &found), 0);
        assert_int_equal(found.n, 1);
        assert_text(found.list[0].name, cases[i].name);
        assert_text(found.list[0].address, cases[i].address);
    }
    pool_free(&pool);
}

static void dates_are_put_right(void **state)
{
    int64_t seconds;
    assert_true(times_parse(STR("Mon, 1 Jan 2024 00:00:00 +0100"), &seconds));
    assert_int_equal(seconds, 1704067200 - 3600);
    assert_true(times_parse(STR("Jan  1 00:00:00 2024"), &seconds));
    assert_int_equal(seconds, 1704067200);
    assert_true(times_parse(STR("31 Feb 99 25:61:61 EST"), &seconds)); /* 1 March */
    assert_int_equal(seconds, 920350799);
    assert_false(times_parse(STR("yesterday"), &seconds));
    /* as most mail has it, and a little otherwise: both ways of reading come to the same */
    static const char *const same[] = {"Wed, 3 Jul 2024 09:05:07 -0230 (NDT)",
                                       "wed,3 jul 2024 9:05:07 -0230",
                                       "Wednesday, the 03 JUL 2024 09:05:07 -0230",
                                       "3 Jul 2024 09:05:07 -0230 +0500", "09:05:07 3 Jul 24 NDT"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        assert_true(times_parse(str_of(same[i]), &seconds));
        assert_int_equal(seconds, 1720006507);
    }
    assert_true(times_parse(STR("1 Xyz 2024 1 Jan 2024 00:00:00 +0000"), &seconds) == false);
}

static void evals_answer(void **state)
{
    struct world w;
    open_world(&w,
               "blocklist_from *@shop.example\nfreemail_domains shop.example\n"
               "whitelist_from_rcvd jean@shop.example shop.example\nutil_rb_tld example\n",
               str_of(mail));
    assert_true(eval(&w, "check_from_in_blacklist()") == 1);
    assert_true(eval(&w, "check_from_in_welcomelist()") == 1);
    assert_true(eval(&w, "check_to_in_welcomelist()") == 0);
    assert_true(eval(&w, "check_for_shifted_date('2', '6')") == 1);
    assert_true(eval(&w, "check_for_shifted_date('undef', '2')") == 0);
    assert_true(eval(&w, "check_all_trusted()") == 0);
    assert_true(eval(&w, "check_freemail_from()") == 1);
    assert_true(eval(&w, "check_freemail_header('From', '^jean')") == 1);
    assert_true(eval(&w, "check_freemail_header('From', '^paul')") == 0);
    assert_true(eval(&w, "check_header_count_range('Received', 2, 2)") == 1);
    assert_true(eval(&w, "check_mailfrom_matches_rcvd()") == 0); /* no sender is known */
    close_world(&w);
}

static void network_rules_look_at_what_was_asked(void **state)
{
    static const struct rules_signature signature = {.domain = {"shop.example", 12}, .pass = true};
    static const struct rules_network network = {.spf = {"pass", 4},
                                                 .signatures = &signature,
                                                 .n_signatures = 1};
    struct world w;
    open_world(&w, "", str_of(mail));
    assert_true(eval(&w, "check_for_spf_pass()") == 0);
    w.input.network = &network;
    assert_true(eval(&w, "check_for_spf_pass()") == 1);
    assert_true(eval(&w, "check_for_spf_fail()") == 0);
    assert_true(eval(&w, "check_dkim_valid_author_sig()") == 1);
    close_world(&w);
}

/* Hostile: each limit ends the work, and the answer is there. */
static void much_is_not_slow(void **state)
{
    struct buf raw = BUF_INIT((size_t)16 << 20);
    for (int i = 0; i < 10000; i++)
        buf_addf(&raw, "Received: from a%d (b [%d.2.3.4] by by by (((((((((( x\n", i, i % 256);
    buf_addf(&raw, "From: ");
    for (int i = 0; i < 60000; i++)
        buf_add(&raw, STR("<\"a@b>>>,("));
    buf_add(&raw, STR("\n\nx\n"));
    struct world w;
    open_world(&w, "", buf_str(&raw));
    assert_non_null(facts_relays(&w.facts));
    facts_get_all(&w.facts, "From:addr");
    facts_get_all(&w.facts, "ALL");
    facts_to_addresses(&w.facts);
    close_world(&w);
    buf_release(&raw);
}

static void a_full_pool_shows(void **state)
{
    struct world w;
    open_world(&w, "", str_of(mail));
    while (pool_alloc(w.pool, (size_t)1 << 20) || pool_alloc(w.pool, 4096) ||
           pool_alloc(w.pool, 16))
        ;
    assert_null(facts_relays(&w.facts));
    assert_true(w.facts.no_memory);
    w.facts.no_memory = false;
    close_world(&w);
}

/* The newest hop is the client that the server talks to. */
static void own_received_stands_on_top(void **state)
{
    struct world w;
    open_world(&w, "",
               STR("Received: from a.example (a.example [198.51.100.9])\r\n"
                   "\tby b.example (Postfix) with ESMTP id 1; Fri, 2 Jan 2026 00:00:00 +0000\r\n"
                   "Subject: x\r\n\r\ntext\r\n"));
    w.input.received =
        STR(" from b.example (unknown [203.0.113.7])\n\tby mx.ours.example (poterne) with "
            "ESMTP\n");
    const struct relays *relays = facts_relays(&w.facts);
    assert_non_null(relays);
    assert_int_equal(relays->n_unparseable, 0);
    assert_int_equal(relays->external.n, 2);
    assert_text(relays->external.list[0]->ip, "203.0.113.7");
    assert_text(relays->external.list[0]->helo, "b.example");
    assert_text(relays->external.list[0]->by, "mx.ours.example");
    assert_text(relays->external.list[1]->ip, "198.51.100.9");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_received_stands_on_top),
        cmocka_unit_test(queries_find_what_spamassassin_finds),
        cmocka_unit_test(relays_are_read_and_trusted),
        cmocka_unit_test(servers_write_in_many_ways),
        cmocka_unit_test(shapes_fit),
        cmocka_unit_test(addresses_of_this_world),
        cmocka_unit_test(mailboxes_are_taken_out),
        cmocka_unit_test(dates_are_put_right),
        cmocka_unit_test(evals_answer),
        cmocka_unit_test(network_rules_look_at_what_was_asked),
        cmocka_unit_test(much_is_not_slow),
        cmocka_unit_test(a_full_pool_shows),
    };
    return tap_run(tests, NULL, NULL);
}
