/* what rule files say beside rules: lists, networks, plugins, tags, rules for the DNS */
#include "t/unit/tap.h"

#include <stdio.h>

#include "rules/language/directive.h"
#include "rules/language/settings_make.h"

#define REPORTS_MAX 32

struct reports {
    char text[REPORTS_MAX][256];
    size_t n;
};

struct said {
    struct reports mistakes, notices;
    struct book *book;
    const struct rules_settings *settings;
};

static void add(struct reports *r, unsigned line, const char *what)
{
    if (r->n < REPORTS_MAX)
        snprintf(r->text[r->n++], sizeof r->text[0], "%u: %s", line, what);
}

static void on_mistake(void *data, const char *file, unsigned line, const char *what)
{
    add(&((struct said *)data)->mistakes, line, what);
}

static void on_notice(void *data, const char *file, unsigned line, const char *what)
{
    add(&((struct said *)data)->notices, line, what);
}

static void read_text(struct said *said, const char *text, const char *language)
{
    struct err err = {""};
    *said = (struct said){.book = book_new(on_mistake, said, &err)};
    assert_non_null(said->book);
    struct parser parser = {.book = said->book};
    said->book->options.notice = on_notice;
    said->book->options.language = language;
    assert_int_equal(parse_text(&parser, str_of(text), "t.cf", &err), 0);
    said->settings = said->book->settings;
}

/* As above, and there must be nothing to say about it. */
static void read_good(struct said *said, const char *text)
{
    read_text(said, text, NULL);
    if (said->mistakes.n)
        fail_msg("%s", said->mistakes.text[0]);
}

static void close_said(struct said *said)
{
    book_free(&said->book);
}

static void every_directive_is_found(void **state)
{
    assert_true(directive_families_sorted());
}

static void addresses_are_globs_of_any_case(void **state)
{
    struct said s;
    bool known;
    read_good(&s, "whitelist_from Boss@One.example *@two.example\n"
                  "welcomelist_from j?m@three.example\n"
                  "unwhitelist_from *@two.EXAMPLE\n"
                  "blacklist_to spam@*\n"
                  "enlist_addrlist (VIP) ceo@*.example\n");
    const struct rules_settings *t = s.settings;
    assert_true(settings_address_in(t, SETTINGS_WELCOMELIST_FROM, STR("BOSS@one.example")));
    assert_true(settings_address_in(t, SETTINGS_WELCOMELIST_FROM, STR("Jim@three.example")));
    assert_false(settings_address_in(t, SETTINGS_WELCOMELIST_FROM, STR("jiim@three.example")));
    assert_false(settings_address_in(t, SETTINGS_WELCOMELIST_FROM, STR("x@two.example")));
    assert_true(settings_address_in(t, SETTINGS_BLOCKLIST_TO, STR("spam@x.example")));
    assert_true(settings_address_in_named(t, STR("VIP"), STR("ceo@a.b.example"), &known));
    assert_false(settings_address_in_named(t, STR("VIP"), STR("cfo@a.example"), &known));
    assert_true(known);
    assert_true(settings_address_in_named(t, STR("blocklist_to"), STR("spam@x"), &known));
    assert_false(settings_address_in_named(t, STR("vip"), STR("ceo@a.example"), &known));
    assert_false(known);
    close_said(&s);
}

static void globs_never_take_long(void **state)
{
    char text[SETTINGS_WORD_MAX];
    memset(text, 'a', sizeof text);
    assert_false(glob_fits(STR("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab*c"), str_n(text, sizeof text)));
    assert_true(glob_fits(STR("*a*a*a*?a"), str_n(text, sizeof text)));
    assert_true(glob_fits(STR("**"), STR("")));
    assert_false(glob_fits(STR("?"), STR("")));
    assert_true(glob_fits_domain(STR("mail.*.example"), STR("mail.x.example")));
    assert_false(glob_fits_domain(STR("mail.*.example"), STR("mail.x.y.example")));
    assert_true(glob_fits_domain(STR("*a?*b"), STR("aa.b")));
}

static size_t count_pairs(const struct rules_settings *t, enum settings_pairs list,
                          struct str address, struct str *last)
{
    size_t at = 0, n = 0;
    const struct settings_pair *pair;
    for (; (pair = settings_pair_next(t, list, address, &at)) != NULL; n++)
        *last = pair->value;
    return n;
}

static void pairs_keep_what_must_be_true_beside(void **state)
{
    struct said s;
    struct str value;
    read_good(&s, "whitelist_from_rcvd *@a.example MX.example\n"
                  "welcomelist_from_rcvd x@a.example [192.0.2.0/24]\n"
                  "welcomelist_from_rcvd gone@a.example mx.example\n"
                  "unwelcomelist_from_rcvd gone@a.example\n"
                  "def_whitelist_from_dkim *@b.example\n"
                  "def_whitelist_from_dkim *@b.example signer.example\n"
                  "unwhitelist_from_dkim *@b.example\n");
    assert_int_equal(count_pairs(s.settings, SETTINGS_WELCOMELIST_FROM_RCVD, STR("X@A.example"),
                                 &value),
                     2);
    assert_str(value, "[192.0.2.0/24]");
    assert_int_equal(count_pairs(s.settings, SETTINGS_WELCOMELIST_FROM_RCVD, STR("gone@a.example"),
                                 &value),
                     1);
    assert_str(value, "mx.example");
    assert_int_equal(count_pairs(s.settings, SETTINGS_DEF_WELCOMELIST_FROM_DKIM, STR("x@b.example"),
                                 &value),
                     1);
    assert_str(value, "signer.example");
    close_said(&s);
}

static void hosts_are_in_or_out(void **state)
{
    struct said s;
    read_good(&s, "enlist_uri_host (L) Bad.example !good.bad.example 192.0.2.1 gone.example\n"
                  "blacklist_uri_host worse.example\n"
                  "delist_uri_host (L) gone.example\n"
                  "enlist_uri_host (L) e.d.c.b.a.z.y.x.w.v.u.deep\n");
    const struct rules_settings *t = s.settings;
    assert_int_equal(settings_host_listed(t, STR("L"), STR("bad.EXAMPLE")), HOST_IN);
    assert_int_equal(settings_host_listed(t, STR("L"), STR("x.bad.example")), HOST_IN);
    assert_int_equal(settings_host_listed(t, STR("L"), STR("x.good.bad.example")), HOST_OUT);
    assert_int_equal(settings_host_listed(t, STR("L"), STR("[192.0.2.1]")), HOST_IN);
    assert_int_equal(settings_host_listed(t, STR("L"), STR("gone.example")), HOST_UNKNOWN);
    assert_int_equal(settings_host_listed(t, STR("BLOCK"), STR("worse.example")), HOST_IN);
    assert_int_equal(settings_host_listed(t, STR("NONE"), STR("worse.example")), HOST_UNKNOWN);
    assert_int_equal(settings_host_listed(t, STR("L"), STR("e.d.c.b.a.z.y.x.w.v.u.deep")),
                     HOST_UNKNOWN);
    close_said(&s);
}

static bool network_has(const struct said *s, enum settings_networks which, const char *address)
{
    bool configured;
    return networks_have(settings_networks(s->settings, which, &configured), str_of(address));
}

static void networks_are_asked_in_order(void **state)
{
    struct said s;
    bool configured;
    read_text(&s,
              "trusted_networks !10.1.2.3 10.1 192.0.2.0/30 [2001:db8::]/32 nonsense\n"
              "internal_networks 198.51.100.5-198.51.100.9\n"
              "msa_networks 10.1.2.3/33 10.256\n"
              "internal_networks 203.0.113.1\nclear_internal_networks\n",
              NULL);
    assert_int_equal(s.mistakes.n, 3);
    assert_true(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "10.1.9.9"));
    assert_false(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "10.1.2.3"));
    assert_false(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "10.2.0.1"));
    assert_true(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "192.0.2.3"));
    assert_false(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "192.0.2.4"));
    assert_true(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "[IPv6:2001:DB8::1]"));
    assert_true(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "::ffff:192.0.2.1"));
    assert_true(network_has(&s, SETTINGS_TRUSTED_NETWORKS, "127.3.2.1"));
    assert_false(network_has(&s, SETTINGS_TRUSTED_NETWORKS, ""));
    assert_false(network_has(&s, SETTINGS_INTERNAL_NETWORKS, "203.0.113.1"));
    assert_true(network_has(&s, SETTINGS_INTERNAL_NETWORKS, "::1"));
    settings_networks(s.settings, SETTINGS_INTERNAL_NETWORKS, &configured);
    assert_false(configured);
    settings_networks(s.settings, SETTINGS_TRUSTED_NETWORKS, &configured);
    assert_true(configured);
    assert_false(network_has(&s, SETTINGS_MSA_NETWORKS, "127.0.0.1"));
    close_said(&s);
}

static void network_literals(void **state)
{
    assert_true(networks_literal_has(STR("[192.0.2]"), STR("192.0.2.77")));
    assert_true(networks_literal_has(STR("[192.0.2.0]/24"), STR("192.0.2.77")));
    assert_true(networks_literal_has(STR("[192.0.2.0/24]"), STR("192.0.2.77")));
    assert_false(networks_literal_has(STR("[192.0.3]"), STR("192.0.2.77")));
    assert_true(networks_literal_has(STR("[2001:db8::]/32"), STR("2001:db8::9%eth0")));
    assert_false(networks_literal_has(STR("[]"), STR("192.0.2.77")));
    assert_false(networks_literal_has(STR("[192.0.2]"), STR("host")));
}

static void check_split(const struct rules_settings *t, const char *host, const char *name,
                        const char *domain)
{
    struct str got_name, got_domain;
    settings_split_domain(t, str_of(host), &got_name, &got_domain);
    assert_str(got_name, name);
    assert_str(got_domain, domain);
}

static void domains_are_cut_at_registries(void **state)
{
    struct said s;
    read_good(&s, "util_rb_tld com uk us example\nutil_rb_2tld co.uk\nutil_rb_3tld a.b.com\n"
                  "freemail_domains gmail.com aol.* *.free.fr\nfreemail_whitelist x@gmail.com\n");
    const struct rules_settings *t = s.settings;
    check_split(t, "www.shop.example", "www", "shop.example");
    check_split(t, "shop.example", "", "shop.example");
    check_split(t, "a.b.shop.co.uk", "a.b", "shop.co.uk");
    check_split(t, "co.uk", "", "co.uk");
    check_split(t, "y.x.a.b.com", "y", "x.a.b.com");
    check_split(t, "w.x.pvt.k12.ma.us", "w", "x.pvt.k12.ma.us");
    check_split(t, "q.x.boston.ma.us", "q", "x.boston.ma.us");
    check_split(t, "localhost", "", "localhost");
    check_split(t, "..", "", "");
    check_split(t, "", "", "");
    assert_true(settings_is_domain_valid(t, STR("x.COM")));
    assert_false(settings_is_domain_valid(t, STR("x.invalid")));
    assert_false(settings_is_domain_valid(t, STR("com")));
    assert_false(settings_is_domain_valid(t, STR("x y.com")));
    assert_true(settings_is_freemail_domain(t, STR("GMAIL.com")));
    assert_true(settings_is_freemail_domain(t, STR("aol.de")));
    assert_false(settings_is_freemail_domain(t, STR("aol.co.uk")));
    assert_true(settings_in(t, SETTINGS_FREEMAIL_WELCOME, STR("X@gmail.com"), NULL));
    close_said(&s);
}

static void sets_numbers_and_texts(void **state)
{
    struct said s;
    uint32_t number;
    size_t n;
    read_good(&s, "url_shortener bit.example t.example\nurl_shortener_get get.example\n"
                  "clear_url_shortener t.example\nadsp_override *.bank.example custom_low\n"
                  "adsp_override shop.example\noriginating_ip_headers X-A X-B x-a\n"
                  "freemail_max_body_emails 7\nok_locales fr de\nalways_trust_envelope_sender yes\n"
                  "redirector_pattern m'/\\?u=(.*)$'i\nblacklist_subject *cheap?pills*\n");
    const struct rules_settings *t = s.settings;
    assert_true(settings_in(t, SETTINGS_URL_SHORTENERS, STR("GET.example"), &number));
    assert_int_equal(number, 2);
    assert_false(settings_in(t, SETTINGS_URL_SHORTENERS, STR("t.example"), NULL));
    assert_true(settings_in(t, SETTINGS_ADSP_OVERRIDES, STR("*.bank.example"), &number));
    assert_int_equal(number, '1');
    assert_true(settings_in(t, SETTINGS_ADSP_OVERRIDES, STR("shop.example"), &number));
    assert_int_equal(number, 'D');
    const struct str *words = settings_words(t, SETTINGS_ORIGINATING_IP_HEADERS, &n);
    assert_int_equal(n, 2);
    assert_str(words[1], "X-B");
    assert_true(settings_number(t, SETTINGS_FREEMAIL_MAX_BODY_EMAILS) == 7);
    assert_true(settings_number(t, SETTINGS_FREEMAIL_MAX_BODY_FREEMAILS) == 3);
    assert_true(settings_number(t, SETTINGS_ALWAYS_TRUST_ENVELOPE_SENDER) == 1);
    assert_str(settings_text(t, SETTINGS_OK_LOCALES), "fr de");
    assert_str(settings_text(t, SETTINGS_OK_LANGUAGES), "all");
    settings_redirectors(t, &n);
    assert_int_equal(n, 1);
    assert_true(settings_subject_in(t, SETTINGS_BLOCKLIST_SUBJECT, STR("Buy CHEAP-pills now")));
    assert_false(settings_subject_in(t, SETTINGS_WELCOMELIST_SUBJECT, STR("cheap pills")));
    close_said(&s);
}

static void rules_for_the_dns(void **state)
{
    struct said s;
    read_text(&s,
              "urirhssub U multi.example. A 127.0.0.2\nuridnsbl V z.example TXT\n"
              "askdns W _AUTHORDOMAIN_.z.example A,TXT /^127\\./\naskdns X _URIHOSTS_.z.example\n"
              "urirhssub BAD z.example A x\naskdns BAD2 z.example A m{x\n"
              "urirhsbl BAD3 z.example MX\nuridnssub BAD4 z.example A 127.0.0.2-\n"
              "askdns BAD5 z.example AB\naskdns BAD6 z.example A [NXDOMAN]\n"
              "urirhssub BAD7 z.example A 1.2.3.256\nurirhssub BAD8 z.example A 0x123456789\n"
              "askdns OLD z.example SPF\ndns_query_restriction deny .z.example\n",
              NULL);
    assert_int_equal(s.mistakes.n, 8);
    assert_int_equal(s.notices.n, 1);
    assert_int_equal(book_find(s.book, STR("OLD"))->kind, RULE_EMPTY);
    const struct dns_line *u = book_find(s.book, STR("U"))->dns;
    const struct dns_line *w = book_find(s.book, STR("W"))->dns;
    assert_str(u->name, "multi.example");
    assert_true(u->kind == DNS_LINE_DOMAINS && u->types == DNS_LINE_A && u->line == 1);
    assert_int_equal(book_find(s.book, STR("W"))->kind, RULE_ASKDNS);
    assert_true(w->kind == DNS_LINE_ASK && w->types == (DNS_LINE_A | DNS_LINE_TXT));
    assert_true(w->answer.kind == ANSWER_PATTERN);
    assert_true(settings_in(s.settings, SETTINGS_DNS_QUERY_RESTRICTIONS, STR("z.example"), NULL));
    close_said(&s);
}

static bool fits(const char *text, uint32_t address)
{
    struct answer answer;
    struct err err;
    assert_int_equal(answer_parse(str_of(text), &answer, &err), 0);
    return answer_fits_address(&answer, address);
}

static void answers_are_bits_ranges_and_masks(void **state)
{
    struct answer answer;
    struct err err;
    const uint32_t two = 0x7f000002, six = 0x7f000006;
    assert_true(fits("127.0.0.2", two) && !fits("127.0.0.2", six));
    assert_true(fits("4", six) && !fits("4", two) && fits("0x4", six));
    assert_false(fits("4", 0x08080804)); /* bits are those of 127/8 */
    assert_true(fits("127.0.0.2-127.0.0.5", two) && !fits("127.0.0.2-127.0.0.5", six));
    assert_true(fits("0.0.0.4/0.0.0.4", six) && !fits("4/4", two) && fits("4/0x4", 0x08080804));
    assert_int_equal(answer_parse(STR("[nxdomain, 0]"), &answer, &err), 0);
    assert_true(answer.kind == ANSWER_CODES && answer.from == 9);
    assert_int_equal(answer_parse(STR("'a \"b'"), &answer, &err), 0);
    assert_true(answer.kind == ANSWER_TEXT);
    assert_str(answer.text, "a \"b");
    assert_int_equal(answer_parse(STR("'"), &answer, &err), -1);
    assert_int_equal(answer_parse(STR("[]"), &answer, &err), -1);
    assert_int_equal(answer_parse(STR(""), &answer, &err), -1);
    assert_true(answer_of_list(STR("12")).kind == ANSWER_BITS);
    assert_true(answer_of_list(STR("127.0.0.2")).kind == ANSWER_TEXT);
    assert_true(answer_of_list(STR("^127\\.0")).kind == ANSWER_PATTERN);
}

static void what_has_no_effect_is_no_mistake(void **state)
{
    struct said s;
    read_text(&s,
              "add_header all X y\nrequired_score 7\nreport hello\nbayes_auto_learn 1\n"
              "loadplugin Mail::SpamAssassin::Plugin::Razor2\nloadplugin Evil /tmp/evil.pm\n"
              "lang fr describe A dit\nlang de report x\nadd_heder all X y\n"
              "hashbl_acl_Freemail gmail.com\nhashbl_cal_x gmail.com\n",
              "fr_FR");
    assert_int_equal(s.mistakes.n, 2);
    assert_non_null(strstr(s.mistakes.text[0], "add_heder"));
    assert_non_null(strstr(s.mistakes.text[1], "hashbl_cal_x"));
    assert_int_equal(s.notices.n, 7);
    assert_non_null(strstr(s.notices.text[1], "poterne.conf"));
    assert_true(settings_number(s.settings, SETTINGS_REQUIRED_SCORE) == 7);
    assert_str(book_find(s.book, STR("A"))->describe, "dit");
    close_said(&s);
}

#define PLUGIN "Mail::SpamAssassin::Plugin::"

static void conditions_ask_the_table(void **state)
{
    struct said s;
    read_good(&s, "ifplugin " PLUGIN "FreeMail\nbody A /x/\nendif\n"
                  "ifplugin " PLUGIN "Dmarc\nbody B /x/\nendif\n"
                  "ifplugin " PLUGIN "PDFInfo\nbody __NOT /x/\nendif\n"
                  "loadplugin " PLUGIN "PDFInfo\n"
                  "ifplugin " PLUGIN "PDFInfo\nbody C /x/\nendif\n"
                  "if !plugin(" PLUGIN "Razor2)\nbody D /x/\nendif\n"
                  "if can(Mail::SpamAssassin::Conf::feature_bug6558_free)\nbody E /x/\nendif\n"
                  "if has(" PLUGIN "DKIM::has_arc) && !can(" PLUGIN "DKIM::has_no)\n"
                  "body F /x/\nendif\n"
                  "if can(" PLUGIN "ASN::has_check_asn) || local_tests_only\n"
                  "body __NOT /x/\nendif\n"
                  "if (version >= 4.000000) && (version < 4.1)\nbody G /x/\nendif\n");
    for (char name[2] = "A"; name[0] <= 'G'; name[0]++)
        assert_non_null(book_find(s.book, str_of(name)));
    assert_null(book_find(s.book, STR("__NOT")));
    close_said(&s);
}

static void another_version_is_left_out(void **state)
{
    struct said s;
    read_text(&s, "require_version 4.000001\nbody A /x/\nif 1\nrequire_version 3.4\nbody B /x/\n",
              NULL);
    assert_int_equal(s.mistakes.n, 1);
    assert_non_null(book_find(s.book, STR("A")));
    assert_null(book_find(s.book, STR("B")));
    close_said(&s);
}

static void check_tags(const struct said *s, const char *pattern, const char *expected)
{
    struct err err = {""};
    struct str filled;
    assert_int_equal(replace_apply(&s->book->replace, s->book->pool, str_of(pattern), 1000, &filled,
                                   &err),
                     0);
    assert_str(filled, expected);
}

static void tags_are_filled_in(void **state)
{
    struct said s;
    struct str filled;
    struct err err = {""};
    read_good(&s, "replace_tag A [a4]\nreplace_tag AB <A><B>\nreplace_tag B b\n"
                  "replace_inter I \\W?\nreplace_post P {1,2}\nreplace_pre Q (?:)\n"
                  "replace_tag LOOP x<LOOP><LOOP>\nreplace_rules R S\n");
    assert_true(replace_wants(&s.book->replace, STR("S")));
    check_tags(&s, "<A>x<B><NO>", "[a4]xb<NO>");
    check_tags(&s, "(?<!z)<AB>", "(?<!z)[a4]b");
    check_tags(&s, "<inter I>x<A><B>y", "x[a4]\\W?by");
    check_tags(&s, "<post P><A><B>", "[a4]{1,2}b{1,2}");
    check_tags(&s, "<pre Q>x<A>", "x(?:)[a4]");
    check_tags(&s, "<>x>", "<>x>");
    check_tags(&s, "<", "<");
    assert_int_equal(replace_apply(&s.book->replace, s.book->pool, STR("<LOOP>"), 100, &filled,
                                   &err),
                     -1);
    close_said(&s);
}

static void flags_and_examples_are_kept(void **state)
{
    struct said s;
    read_good(&s, "mimeheader M Content-Type =~ /x/\ntflags M multiple concat range=2-5 net learn\n"
                  "test M ok some text\ntest M fail other\nreuse M\nreuse NEW\n");
    const struct definition *m = book_find(s.book, STR("M"));
    assert_true(m->concat && m->net && m->learn && m->multiple);
    assert_int_equal(m->part_first, 2);
    assert_int_equal(m->part_last, 5);
    assert_int_equal(m->kind, RULE_MIMEHEADER);
    assert_int_equal(book_find(s.book, STR("NEW"))->kind, RULE_EMPTY);
    assert_int_equal(s.book->n_examples, 2);
    assert_str(s.book->examples[0].text, "some text");
    assert_false(s.book->examples[1].ok);
    close_said(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_directive_is_found),
        cmocka_unit_test(addresses_are_globs_of_any_case),
        cmocka_unit_test(globs_never_take_long),
        cmocka_unit_test(pairs_keep_what_must_be_true_beside),
        cmocka_unit_test(hosts_are_in_or_out),
        cmocka_unit_test(networks_are_asked_in_order),
        cmocka_unit_test(network_literals),
        cmocka_unit_test(domains_are_cut_at_registries),
        cmocka_unit_test(sets_numbers_and_texts),
        cmocka_unit_test(rules_for_the_dns),
        cmocka_unit_test(answers_are_bits_ranges_and_masks),
        cmocka_unit_test(what_has_no_effect_is_no_mistake),
        cmocka_unit_test(conditions_ask_the_table),
        cmocka_unit_test(another_version_is_left_out),
        cmocka_unit_test(tags_are_filled_in),
        cmocka_unit_test(flags_and_examples_are_kept),
    };
    return tap_run(tests, NULL, NULL);
}
