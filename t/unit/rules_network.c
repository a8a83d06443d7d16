/* rules that ask the DNS: what they ask for, and what they make of the answers */
#include "t/unit/rules_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "sender/dns_file.h"
#include "sender/dns_memo.h"

#define TLDS "util_rb_tld com example org\n"

/* 198.51.100.9 is ours; the message came over .8 (trusted, not internal) from .7, and .6 before. */
#define NETWORKS "trusted_networks 198.51.100.9 198.51.100.8\ninternal_networks 198.51.100.9\n"
#define RECEIVED                                                                                   \
    "Received: from a.example (a.example [198.51.100.9]) by mx.t.example; Thu, 25 Jul 2024 "       \
    "10:00:00 +0000\n"                                                                             \
    "Received: from b.example (b.example [198.51.100.8]) by a.example; Thu, 25 Jul 2024 "          \
    "10:00:00 +0000\n"                                                                             \
    "Received: from c.example (c.example [198.51.100.7]) by b.example; Thu, 25 Jul 2024 "          \
    "10:00:00 +0000\n"                                                                             \
    "Received: from priv (priv [10.1.2.3]) by c.example; Thu, 25 Jul 2024 10:00:00 +0000\n"        \
    "Received: from d.example (d.example [198.51.100.6]) by e.example; Thu, 25 Jul 2024 "          \
    "10:00:00 +0000\n"

static const char mail[] =
    "Return-Path: <bounce@bounces.shop.example>\n" RECEIVED "From: Jean <jean@Mail.Shop.example>\n"
    "X-Host: 192.0.2.77\n"
    "Content-Type: text/html\n"
    "\n"
    "<a href=\"http://www.bad.example/x\">click</a>\n"
    "<a href=\"http://192.0.2.5/\">here</a>\n"
    "<a href=\"http://10.0.0.1/\">inside</a>\n"
    "<a href=\"http://skip.example/\">known</a>\n"
    "<a href=\"mailto:a@mailed.example\">write</a>\n"
    "<img src=\"http://img.other.org/a.png\">\n";

struct zones {
    struct world w;
    struct dns_file *file;
    struct dns_source source;
    struct rules_network network;
};

static void open_zones(struct zones *z, const char *rules, const char *zone, const char *raw)
{
    struct err err = {""};
    char *all = NULL;
    assert_true(asprintf(&all, "%s%s%s", TLDS, NETWORKS, rules) > 0);
    *z = (struct zones){.file = dns_file_parse(str_of(zone), "zone", &err)};
    if (z->file == NULL)
        fail_msg("%s", err.text);
    z->source = dns_file_source(z->file);
    z->network.dns = &z->source;
    world_open(&z->w, all, RULES_SCORE_NET);
    free(all);
    world_set_mail(&z->w, str_of(raw));
    z->w.input.network = &z->network;
}

static void close_zones(struct zones *z)
{
    world_close(&z->w);
    dns_file_free(&z->file);
}

/* Does the rule, named X, hit the mail of this test with such a zone? */
static bool hits(const char *rules, const char *zone)
{
    struct zones z;
    open_zones(&z, rules, zone, mail);
    assert_int_equal(z.w.mistakes, 0);
    world_run(&z.w);
    bool hit = world_hit(&z.w, "X") != NULL;
    close_zones(&z);
    return hit;
}

#define LISTED(reversed) reversed ".l.example A 127.0.0.2\n"
#define LIST(set)        "header X eval:check_rbl('" set "', 'l.example.')\ntflags X net\n"

static void a_set_says_whose_address(void **state)
{
    static const char *const by[] = {LISTED("9.100.51.198"), LISTED("8.100.51.198"),
                                     LISTED("7.100.51.198"), LISTED("6.100.51.198")};
    static const struct {
        const char *rule;
        bool found[4];
    } sets[] = {
        {LIST("a"), {false, false, true, true}},
        {LIST("a-untrusted"), {false, false, false, true}},
        {LIST("a-firsttrusted"), {false, false, true, false}},
        {LIST("a-lastexternal"), {false, false, false, false}}, /* .8 is trusted */
        {LIST("a-notfirsthop"), {false, false, true, false}},
        {LIST("a-lastexternal") "tflags X net nice\n", {false, true, false, false}},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        for (size_t k = 0; k < 4; k++) {
            if (hits(sets[i].rule, by[k]) != sets[i].found[k])
                fail_msg("set %zu, address %zu", i, k);
        }
    }
    assert_false(hits(LIST("a"), "3.2.1.10.l.example A 127.0.0.2\n"));
    assert_false(hits(LIST("a") "skip_rbl_checks 1\n", by[2]));
}

static void lists_answer_in_127(void **state)
{
    assert_false(hits(LIST("a"), "7.100.51.198.l.example A 192.0.2.1\n"));
    assert_true(hits("header X eval:check_rbl_txt('a', 'l.example', '(?i:SPAM)')\n",
                     "7.100.51.198.l.example TXT known for spam\n"));
    assert_false(hits("header X eval:check_rbl_txt('a', 'l.example', 'virus')\n",
                      "7.100.51.198.l.example TXT known for spam\n"));
}

#define SUB(test)                                                                                  \
    "header __L eval:check_rbl('a', 'l.example')\nheader X eval:check_rbl_sub('a', '" test "')\n"

static void parts_of_a_set_look_at_its_answers(void **state)
{
    static const char zone[] = "7.100.51.198.l.example A 127.0.0.6\n"
                               "7.100.51.198.l.example A 127.0.1.1\n";
    assert_true(hits(SUB("4"), zone));
    assert_true(hits(SUB("2"), zone));
    assert_false(hits(SUB("8"), zone));
    assert_true(hits(SUB("127.0.1.1"), zone));
    assert_false(hits(SUB("127.0.1.2"), zone));
    assert_true(hits(SUB("^127\\.0\\.[12]"), zone));
    assert_false(hits("header X eval:check_rbl_sub('b', '2')\n" LIST("a") "score X 1\n", ""));
    assert_false(hits(SUB("2") "score __L 0\n", zone)); /* nobody asks */
}

static void a_refusal_is_no_listing(void **state)
{
    static const char refused[] = "7.100.51.198.l.example A 127.255.255.254\n",
                      quiet[] = "7.100.51.198.l.example A 127.0.0.1\n";
    assert_false(hits(LIST("a"), refused));
    assert_false(hits(LIST("a"), quiet));
    assert_false(hits(SUB("2"), refused)); /* 254 has that bit */
    assert_true(hits(SUB("1"), quiet));    /* rules that tell of it */
    assert_true(hits(SUB("127.255.255.254"), refused));
    assert_true(hits(SUB("^127\\.255\\.255\\."), refused));
}

static void senders_are_looked_for(void **state)
{
    assert_true(hits("header X eval:check_rbl_from_host('a', 'l.example')\n",
                     "mail.shop.example.l.example A 127.0.0.2\n"));
    assert_true(hits("header X eval:check_rbl_from_domain('a', 'l.example')\n",
                     "shop.example.l.example A 127.0.0.2\n"));
    assert_true(hits("header X eval:check_rbl_envfrom('a', 'l.example')\n",
                     "bounces.shop.example.l.example A 127.0.0.2\n"));
    assert_true(hits("header X eval:check_rbl_headers('a', 'l.example', '2', 'X-Host')\n",
                     "77.2.0.192.l.example A 127.0.0.2\n"));
    assert_false(hits("header X eval:check_rbl_headers('a', 'l.example', '2', 'X-Host')\n"
                      "tflags X net domains_only\n",
                      "77.2.0.192.l.example A 127.0.0.2\n"));
    assert_true(hits("header X eval:check_rbl_rcvd('a', 'l.example')\n",
                     "d.example.l.example A 127.0.0.2\n"));
    assert_true(hits("header X eval:check_rbl_ns_from('a', 'l.example')\n",
                     "bounces.shop.example NS ns.bad.example\n"
                     "ns.bad.example.l.example A 127.0.0.2\n"));
}

static void a_sender_without_a_host_shows(void **state)
{
    static const char rule[] = "header X eval:check_dns_sender()\n";
    assert_true(hits(rule, ""));
    assert_true(hits(rule, "bounces.shop.example TXT only words\n"));
    assert_false(hits(rule, "bounces.shop.example MX 1 mx.example\n"));
    assert_false(hits(rule, "bounces.shop.example AAAA 2001:db8::1\n"));
    assert_false(hits(rule, "bounces.shop.example TEMPFAIL\n"));
}

#define LINKS(line) line "body X eval:check_uridnsbl('X')\n"

static void links_are_looked_for(void **state)
{
    static const char host[] = "www.bad.example.l.example A 127.0.0.4\n";
    static const char domain[] = "bad.example.l.example A 127.0.0.4\n";
    static const char address[] = "5.2.0.192.l.example A 127.0.0.4\n";
    assert_true(hits(LINKS("urirhsbl X l.example. A\n"), domain));
    assert_false(hits(LINKS("urirhsbl X l.example. A\n"), host));
    assert_true(hits(LINKS("urirhsbl X l.example. A\ntflags X net notrim\n"), host));
    assert_true(hits(LINKS("urirhssub X l.example. A 4\n"), domain));
    assert_false(hits(LINKS("urirhssub X l.example. A 127.0.0.2\n"), domain));
    assert_true(hits(LINKS("urirhsbl X l.example. A\n"), address));
    assert_true(hits(LINKS("urirhsbl X l.example. A\ntflags X ips_only\n"), address));
    assert_false(hits(LINKS("urirhsbl X l.example. A\ntflags X domains_only\n"), address));
    assert_false(hits(LINKS("urirhsbl X l.example. A\ntflags X ips_only\n"), domain));
    assert_false(hits(LINKS("urirhsbl X l.example. A\n"), "1.0.0.10.l.example A 127.0.0.4\n"));
    assert_true(hits(LINKS("urirhsbl X l.example. TXT\n"), "other.org.l.example TXT bad\n"));
    assert_false(hits(LINKS("urirhsbl X l.example. A\nskip_uribl_checks 1\n"), domain));
}

static void some_links_are_left_out(void **state)
{
    static const char skip[] = "skip.example.l.example A 127.0.0.4\n";
    static const char mailed[] = "mailed.example.l.example A 127.0.0.4\n";
    static const char last[] = "other.org.l.example A 127.0.0.4\n";
    assert_true(hits(LINKS("urirhsbl X l.example A\n"), skip));
    assert_false(hits(LINKS("urirhsbl X l.example A\nuridnsbl_skip_domain skip.example\n"), skip));
    assert_false(hits(LINKS("urirhsbl X l.example A\n"), mailed));
    assert_true(hits(LINKS("urirhsbl X l.example A\nuridnsbl_skip_mailto 0\n"), mailed));
    assert_true(hits(LINKS("urirhsbl X l.example A\n"), last));
    assert_false(hits(LINKS("urirhsbl X l.example A\nuridnsbl_max_domains 4\n"), last));
}

static void links_lead_to_servers_and_addresses(void **state)
{
    static const char zone[] = "bad.example NS ns1.dns.evil.org\n"
                               "ns1.dns.evil.org A 192.0.2.53\n"
                               "www.bad.example A 192.0.2.80\n";
    static const struct {
        const char *rule, *listed;
        bool hit;
    } cases[] = {
        {"uridnsbl X l.example A\n", "53.2.0.192", true},
        {"uridnsbl X l.example A\n", "80.2.0.192", false},
        {"uridnsbl X l.example A\ntflags X net a\n", "80.2.0.192", true},
        {"uridnsbl X l.example A\ntflags X net a\n", "53.2.0.192", false},
        {"uridnssub X l.example A 127.0.0.2\ntflags X net a ns\n", "53.2.0.192", true},
        {"urinsrhsbl X l.example A\n", "evil.org", true},
        {"urinsrhsbl X l.example A\n", "ns1.dns.evil.org", false},
        {"urifullnsrhssub X l.example A 2\n", "ns1.dns.evil.org", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rules[500], zones[500];
        snprintf(rules, sizeof rules, LINKS("%s"), cases[i].rule);
        snprintf(zones, sizeof zones, "%s%s.l.example A 127.0.0.2\n", zone, cases[i].listed);
        if (hits(rules, zones) != cases[i].hit)
            fail_msg("case %zu", i);
    }
}

static void a_template_is_filled_in(void **state)
{
    assert_true(
        hits("askdns X _AUTHORDOMAIN_.l.example\n", "mail.shop.example.l.example A 127.0.0.2\n"));
    assert_true(hits("askdns X _SENDERDOMAIN_ TXT /^v=spf1 \\+all$/\n",
                     "bounces.shop.example TXT v=spf1 +all\n"));
    assert_true(hits("askdns X _LASTEXTERNALREVIP_.l.example A 2\n",
                     "8.100.51.198.l.example A 127.0.0.2\n"));
    assert_true(hits("askdns X _HEADER(From:addr:domain)_.l.example A '127.0.0.2'\n",
                     "shop.example.l.example A 127.0.0.2\n"));
    assert_true(hits("askdns X _URIDOMAINS_._URIDOMAINS_.l.example MX /^5 mx\\.l\\.example\\.$/\n",
                     "bad.example.bad.example.l.example MX 5 mx.l.example\n"));
    assert_false(hits("askdns X _DKIMDOMAIN_.l.example\n", "l.example A 127.0.0.2\n"));
    assert_true(hits("askdns X fixed.l.example A,TXT /words/\n", "fixed.l.example TXT words\n"));
    assert_true(hits("askdns X fixed.l.example ANY\n", "fixed.l.example TXT words\n"));
    assert_true(hits("askdns X fixed.l.example A [NXDOMAIN]\n", ""));
    assert_false(hits("askdns X fixed.l.example A [NXDOMAIN]\n", "fixed.l.example TXT x\n"));
    assert_true(hits("askdns X fixed.l.example A [NOERROR]\n", "fixed.l.example TXT x\n"));
    assert_true(hits("askdns X fixed.l.example A\n", "fixed.l.example A 192.0.2.1\n"));
}

static void signers_are_known_late(void **state)
{
    static const struct rules_signature signatures[] = {{.domain = {"signer.example", 14},
                                                         .pass = true},
                                                        {.domain = {"bad.example", 11}}};
    struct zones z;
    open_zones(&z, "askdns X _DKIMDOMAIN_.l.example\n", "signer.example.l.example A 127.0.0.2\n",
               mail);
    z.network.signatures = signatures;
    z.network.n_signatures = 2;
    world_run(&z.w);
    assert_non_null(world_hit(&z.w, "X"));
    assert_int_equal(z.w.result.questions, 1);
    assert_str(world_hit(&z.w, "X")->text, "signer.example.l.example 127.0.0.2");
    close_zones(&z);
}

static bool among(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

#define METAS                                                                                      \
    "header L eval:check_rbl('a', 'l.example')\nheader Y exists:From\nheader N exists:Nothing\n"   \
    "meta NOT_L !L\nmeta EITHER L || Y\nmeta BOTH L && Y\nmeta NONE L && N\nmeta DEEP !BOTH\n"     \
    "meta WITH_NOT Y && !L\nmeta ABOVE !WITH_NOT\nmeta SUM L + Y > 1\n"

static void what_nobody_knows_is_neither_yes_nor_no(void **state)
{
    static const char *const open[] = {"L", "NOT_L", "BOTH", "DEEP", "WITH_NOT", "ABOVE", "SUM"};
    struct zones z;
    open_zones(&z, METAS, "7.100.51.198.l.example TEMPFAIL\n6.100.51.198.l.example TEMPFAIL\n",
               mail);
    for (int i = 0; i < 2; i++) { /* nothing is left of the first message */
        world_run(&z.w);
        const struct rules_result *r = &z.w.result;
        assert_int_equal(r->n_unknown, sizeof open / sizeof *open);
        for (size_t k = 0; k < sizeof open / sizeof *open; k++) {
            if (!among(r->unknown, r->n_unknown, open[k]) || world_hit(&z.w, open[k]))
                fail_msg("%s", open[k]);
        }
        assert_non_null(world_hit(&z.w, "EITHER"));
        assert_null(world_hit(&z.w, "NONE"));
        assert_int_equal(r->n_unanswered, 2);
        assert_true(r->unanswered[0].type == DNS_A);
    }
    close_zones(&z);
    open_zones(&z, METAS, "7.100.51.198.l.example TEMPFAIL\n" LISTED("6.100.51.198"), mail);
    world_run(&z.w);
    assert_non_null(world_hit(&z.w, "L")); /* one answer is enough */
    assert_int_equal(z.w.result.n_unknown, 0);
    assert_int_equal(z.w.result.n_unanswered, 1);
    close_zones(&z);
}

static void without_a_source_nothing_is_asked(void **state)
{
    struct zones z;
    open_zones(&z, METAS, LISTED("7.100.51.198"), mail);
    z.network.dns = NULL;
    world_run(&z.w);
    assert_true(world_hit(&z.w, "NOT_L") && !world_hit(&z.w, "L"));
    assert_int_equal(z.w.result.n_unknown + z.w.result.questions, 0);
    z.w.input.network = NULL;
    world_run(&z.w);
    assert_non_null(world_hit(&z.w, "NOT_L"));
    close_zones(&z);
}

static void a_list_that_is_off_is_not_asked(void **state)
{
    static const struct str off[] = {{"x.example", 9}, {"L.example", 9}};
    struct zones z;
    open_zones(&z, METAS, LISTED("7.100.51.198"), mail);
    z.network.zones_off = off;
    z.network.n_zones_off = 2;
    world_run(&z.w);
    assert_true(!world_hit(&z.w, "L") && !world_hit(&z.w, "NOT_L"));
    assert_int_equal(z.w.result.n_unanswered, 2);
    z.network.n_zones_off = 1;
    world_run(&z.w);
    assert_non_null(world_hit(&z.w, "L"));
    close_zones(&z);
}

static void settings_say_what_may_be_asked(void **state)
{
    assert_false(hits(LIST("a") "dns_query_restriction deny example\n", LISTED("7.100.51.198")));
    assert_false(hits(LIST("a") "dns_query_restriction deny *\n", LISTED("7.100.51.198")));
    assert_true(hits(LIST("a") "dns_query_restriction deny *\n"
                               "dns_query_restriction allow l.example\n",
                     LISTED("7.100.51.198")));
    assert_true(hits("meta X !L\n" LIST("a") "header L eval:check_rbl('a', 'l.example')\n"
                                             "dns_query_restriction deny l.example\nmeta X !L\n",
                     LISTED("7.100.51.198"))); /* what is not asked does not list */
}

/* ---- asked ahead */

static void questions_come_in_one_round(void **state)
{
    struct zones z;
    struct rules_questions ahead;
    struct err err = {""};
    open_zones(&z,
               "header CHEAP eval:check_rbl('a', 'cheap.example')\nscore CHEAP 0.1\n"
               "header __DEAR eval:check_rbl('b-lastexternal', 'dear.example')\n"
               "tflags __DEAR nice\nmeta DEAR __DEAR\nscore DEAR -5\n"
               "header AGAIN eval:check_rbl('c-firsttrusted', 'cheap.example')\nscore AGAIN 0.2\n"
               "header OFF eval:check_rbl('d', 'off.example')\nscore OFF 0\n",
               LISTED("x") "8.100.51.198.dear.example A 127.0.0.3\n", mail);
    struct dns_memo *memo = dns_memo_new(z.w.pool, &z.source);
    const struct dns_source source = dns_memo_source(memo);
    z.w.input.network = NULL; /* not known yet */
    assert_int_equal(rules_questions(z.w.set, z.w.scratch, &z.w.input, z.w.pool, &ahead, &err), 0);
    assert_int_equal(ahead.n, 3);
    assert_str(ahead.list[0].name, "8.100.51.198.dear.example");
    assert_str(ahead.list[1].name, "7.100.51.198.cheap.example");
    assert_str(ahead.list[2].name, "6.100.51.198.cheap.example");
    source.ask(source.data, z.w.pool, ahead.list, ahead.n);
    z.network.dns = &source;
    z.w.input.network = &z.network;
    z.w.input.prepared = ahead.prepared;
    world_run(&z.w);
    assert_int_equal(dns_memo_count(memo).rounds, 1);
    assert_non_null(world_hit(&z.w, "DEAR"));
    assert_true(z.w.result.total == -5);
    close_zones(&z);
}

static void rules_without_network_ask_nothing(void **state)
{
    struct zones z;
    struct rules_questions ahead;
    struct err err = {""};
    open_zones(&z, "header Y exists:From\n", "", mail);
    assert_int_equal(rules_questions(z.w.set, z.w.scratch, &z.w.input, z.w.pool, &ahead, &err), 0);
    assert_int_equal(ahead.n, 0);
    world_run(&z.w);
    assert_int_equal(z.w.result.questions, 0);
    close_zones(&z);
    world_open(&z.w, LIST("a") "askdns Y l.example\n", 0); /* a score set without network */
    assert_int_equal(ruleset_count(z.w.set), 0);
    world_close(&z.w);
}

/* ---- hostile */

static void asking_has_an_end(void **state)
{
    struct buf rules = BUF_INIT((size_t)16 << 20), raw = BUF_INIT((size_t)16 << 20);
    struct zones z;
    buf_addf(&rules, "uridnsbl_max_domains 100000\n");
    for (int i = 0; i < 600; i++)
        buf_addf(&rules,
                 "urirhsbl R%d z%d.example A\nbody R%d eval:check_uridnsbl('R%d')\n"
                 "askdns A%d _URIHOSTS_._URIDOMAINS_._URIHOSTS_.z%d.example\n",
                 i, i, i, i, i, i);
    buf_addf(&raw, "From: a@b.example\nContent-Type: text/html\n\n");
    for (int i = 0; i < 3000; i++)
        buf_addf(&raw, "<a href=\"http://a%d.b%d.example/\">x</a>\n", i, i);
    buf_addc(&rules, '\0');
    buf_addc(&raw, '\0');
    open_zones(&z, buf_str(&rules).s, "", buf_str(&raw).s);
    world_run(&z.w);
    assert_true(z.w.result.questions <= 1500);
    assert_true(z.w.result.n_unknown > 500); /* who had no turn says so */
    close_zones(&z);
    buf_release(&rules);
    buf_release(&raw);
}

static void names_that_can_not_be_asked_for_are_left_out(void **state)
{
    static const char raw[] =
        "Return-Path: <a@xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxx.example>\n" RECEIVED "From: <a@..b.example..>\nX: a b\n\n"
        "http://xn--zckzah.example/ http://b\xc3\xbc"
        "cher.example/ http://a..b.example/\n";
    struct zones z;
    open_zones(
        &z,
        LINKS("urirhsbl X l.example A\n") "askdns Y _HEADER(X)_.l.example\n"
                                          "header Z eval:check_rbl_from_host('a', 'l.example')\n"
                                          "header W eval:check_dns_sender()\naskdns V "
                                          "_NOTHING_.l.example\n"
                                          "askdns U _HEADER(X\n",
        "b.example.l.example A 127.0.0.2\n", raw);
    assert_int_equal(z.w.notices, 1); /* _NOTHING_ */
    world_run(&z.w);
    assert_non_null(world_hit(&z.w, "Z"));
    assert_null(world_hit(&z.w, "W"));
    assert_null(world_hit(&z.w, "V"));
    assert_int_equal(z.w.result.n_unanswered, 0);
    close_zones(&z);
}

static void mistakes_are_told(void **state)
{
    struct world w;
    world_open(&w,
               "header A eval:check_rbl('a')\nheader B eval:check_rbl('a', '.')\n"
               "header C eval:check_rbl('a', 'l.example', '(')\n"
               "header D eval:check_rbl('a', 'l.example', '1', '2')\n"
               "askdns E _HEADER(:x)_.l.example\naskdns F l.example A /(/\n"
               "body G eval:check_uridnsbl('G')\naskdns H l.example A [SERVFAIL]\n",
               RULES_SCORE_NET);
    assert_int_equal(w.mistakes, 6);
    assert_int_equal(w.notices, 2); /* G, H: never hit */
    assert_int_equal(w.set->network.n, 0);
    world_close(&w);
}

static void a_full_pool_is_told(void **state)
{
    struct zones z;
    struct rules_result result;
    struct err err = {""};
    open_zones(&z, METAS LINKS("urirhsbl X l.example A\n"), LISTED("7.100.51.198"), mail);
    bool failed = false, made = false;
    for (size_t size = 1024; size < (size_t)1 << 20; size += 4096) {
        struct pool *pool = pool_new(size);
        int r = ruleset_run(z.w.set, z.w.scratch, &z.w.input, pool, &result, &err);
        failed |= r < 0;
        made |= r == 0;
        pool_free(&pool);
    }
    assert_true(failed && made);
    close_zones(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_says_whose_address),
        cmocka_unit_test(lists_answer_in_127),
        cmocka_unit_test(a_refusal_is_no_listing),
        cmocka_unit_test(parts_of_a_set_look_at_its_answers),
        cmocka_unit_test(senders_are_looked_for),
        cmocka_unit_test(a_sender_without_a_host_shows),
        cmocka_unit_test(links_are_looked_for),
        cmocka_unit_test(some_links_are_left_out),
        cmocka_unit_test(links_lead_to_servers_and_addresses),
        cmocka_unit_test(a_template_is_filled_in),
        cmocka_unit_test(signers_are_known_late),
        cmocka_unit_test(what_nobody_knows_is_neither_yes_nor_no),
        cmocka_unit_test(without_a_source_nothing_is_asked),
        cmocka_unit_test(a_list_that_is_off_is_not_asked),
        cmocka_unit_test(settings_say_what_may_be_asked),
        cmocka_unit_test(questions_come_in_one_round),
        cmocka_unit_test(rules_without_network_ask_nothing),
        cmocka_unit_test(asking_has_an_end),
        cmocka_unit_test(names_that_can_not_be_asked_for_are_left_out),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(a_full_pool_is_told),
    };
    return tap_run(tests, NULL, NULL);
}
