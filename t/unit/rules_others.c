/* what rules are told by others: pass 2, signatures */
#include <stdio.h>

#include "t/unit/rules_world.h"

static const char mail[] = "From: Jean <jean@Shop.example>\n"
                           "To: a@t.example\n"
                           "Return-Path: <bounce@mail.shop.example>\n"
                           "Subject: x\n"
                           "\n"
                           "text\n";

static void open_world(struct world *w, const char *rules, unsigned score_set)
{
    world_open(w, rules, score_set);
    world_set_mail(w, str_of(mail));
}

/* ---- pass 2 */

#define BAYES_RULES                                                                                \
    "body BAYES_00 eval:check_bayes(0.00, 0.01)\ntflags BAYES_00 learn nice\n"                     \
    "body BAYES_99 eval:check_bayes(0.99, undef)\ntflags BAYES_99 learn\n"                         \
    "score BAYES_00 0 0 -1.5 -1.9\nscore BAYES_99 0 0 3.8 3.5\n"                                   \
    "meta SITE BAYES_99 && __TEXT\nbody __TEXT /text/\nscore SITE 1.25\n"                          \
    "meta NOT_99 !BAYES_99\nscore NOT_99 0.5\n"

static void pass_2_feeds_metas_and_does_not_count_twice(void **state)
{
    struct world w;
    open_world(&w, BAYES_RULES, 3);
    world_run(&w); /* not known */
    assert_true(!world_hit(&w, "BAYES_00") && !world_hit(&w, "BAYES_99") &&
                world_hit(&w, "NOT_99"));
    w.input.bayes_known = true;
    w.input.bayes = 0.995;
    world_run(&w);
    assert_true(world_hit(&w, "BAYES_99") && world_hit(&w, "SITE") && !world_hit(&w, "BAYES_00"));
    assert_true(w.result.total == 1.25);
    w.input.bayes = 0.005;
    world_run(&w);
    assert_true(world_hit(&w, "BAYES_00") && world_hit(&w, "NOT_99") && w.result.total == 0.5);
    w.input.bayes = 0.0; /* the first interval has its lower end */
    world_run(&w);
    assert_non_null(world_hit(&w, "BAYES_00"));
    world_close(&w);
}

static void a_file_lets_pass_2_score(void **state)
{
    struct world w;
    open_world(&w,
               "if can(Mail::SpamAssassin::Conf::feature_poterne)\npoterne_bayes_scores "
               "1\nendif\n" BAYES_RULES,
               2);
    w.input.bayes_known = true;
    w.input.bayes = 0.995;
    world_run(&w);
    assert_true(w.result.total == 5.05);
    world_close(&w);
    open_world(&w, BAYES_RULES, 1); /* the sets without learning don't run them */
    w.input.bayes_known = true;
    w.input.bayes = 0.995;
    world_run(&w);
    assert_true(!world_hit(&w, "BAYES_99") && world_hit(&w, "NOT_99"));
    world_close(&w);
}

/* ---- signatures */

static const char dkim_rules[] =
    "full SIGNED eval:check_dkim_signed()\nfull VALID eval:check_dkim_valid()\n"
    "full AUTHOR eval:check_dkim_valid_author_sig()\n"
    "full ENVELOPE eval:check_dkim_valid_envelopefrom()\n"
    "full DEPENDABLE eval:check_dkim_dependable()\n"
    "header CUSTOM eval:check_dkim_adsp('23')\nheader LOW eval:check_dkim_adsp('1')\n"
    "header ANY_HERE eval:check_dkim_adsp('*', '.example')\n"
    "header ANY_THERE eval:check_dkim_adsp('*', 'other.example')\n"
    "header LISTED eval:check_for_dkim_welcomelist_from()\n"
    "header NO_SENDER eval:check_spf_skipped_noenvfrom()\n"
    "meta INVALID SIGNED && !VALID\n"
    "adsp_override *.example custom_med\nwelcomelist_from_dkim *@shop.example\n"
    "tflags SIGNED net\ntflags VALID net\ntflags AUTHOR net\ntflags ENVELOPE net\n"
    "tflags CUSTOM net\ntflags LOW net\ntflags ANY_HERE net\ntflags ANY_THERE net\n"
    "tflags LISTED net\n";

static const char *const dkim_names[] = {"SIGNED",     "VALID",  "AUTHOR",  "ENVELOPE",
                                         "DEPENDABLE", "CUSTOM", "LOW",     "ANY_HERE",
                                         "ANY_THERE",  "LISTED", "INVALID", "NO_SENDER"};

/* All rules that hit, in the order of dkim_names. */
static void check_signed(const struct rules_network *network, unsigned score_set,
                         const char *expected)
{
    struct world w;
    struct buf found = BUF_INIT(1000);
    open_world(&w, dkim_rules, score_set);
    w.input.network = network;
    world_run(&w);
    for (size_t i = 0; i < sizeof dkim_names / sizeof *dkim_names; i++) {
        if (world_hit(&w, dkim_names[i]))
            buf_addf(&found, "%s ", dkim_names[i]);
    }
    assert_string_equal(buf_cstr(&found), expected);
    buf_release(&found);
    world_close(&w);
}

static void signatures_are_looked_at(void **state)
{
    static const struct {
        struct rules_signature list[2];
        size_t n;
        const char *found;
    } cases[] = {
        {{{.domain = STR("shop.example"), .pass = true}},
         1,
         "SIGNED VALID AUTHOR DEPENDABLE LISTED "},
        {{{.domain = STR("shop.example")}, {.domain = STR("mail.shop.example"), .pass = true}},
         2,
         "SIGNED VALID ENVELOPE DEPENDABLE CUSTOM ANY_HERE "},
        {{{.domain = STR("shop.example")}}, 1, "SIGNED DEPENDABLE CUSTOM ANY_HERE INVALID "},
        {{{.domain = STR("shop.example"), .unknown = true}}, 1, "SIGNED DEPENDABLE "},
        {{{.domain = STR("")}}, 0, "DEPENDABLE CUSTOM ANY_HERE "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rules_network network = {.signatures = cases[i].list,
                                              .n_signatures = cases[i].n,
                                              .dkim_asked = true};
        check_signed(&network, 1, cases[i].found);
    }
}

/* Is the rule X, of that call, a hit ("yes"), not known ("open"), or neither ("no")? */
static const char *says(const char *call, const struct rules_network *network, struct str helo,
                        struct str sender)
{
    struct world w;
    char rules[200];
    snprintf(rules, sizeof rules, "header X eval:%s\n", call);
    open_world(&w, rules, 1);
    w.input.network = network;
    w.input.helo = helo;
    w.input.envelope_from = sender;
    world_run(&w);
    const char *said = world_hit(&w, "X") ? "yes" : w.result.n_unknown ? "open" : "no";
    world_close(&w);
    return said;
}

static void results_of_senders_are_looked_at(void **state)
{
    const struct str helo = STR("mx.shop.example"), from = STR("a@shop.example");
    struct rules_network n = {.spf = STR("fail"),
                              .spf_helo = STR("none"),
                              .spf_asked = true,
                              .dmarc = STR("quarantine")};
    assert_string_equal(says("check_for_spf_fail()", &n, helo, from), "yes");
    assert_string_equal(says("check_for_spf_softfail()", &n, helo, from), "no");
    assert_string_equal(says("check_for_spf_helo_none()", &n, helo, from), "yes");
    assert_string_equal(says("check_for_spf_helo_none()", &n, STR("[192.0.2.1]"), from), "no");
    assert_string_equal(says("check_for_spf_helo_none()", &n, STR("192.0.2.1"), from), "no");
    assert_string_equal(says("check_for_spf_helo_none()", &n, STR("pc"), from), "no");
    assert_string_equal(says("check_dmarc_quarantine()", &n, helo, from), "yes");
    assert_string_equal(says("check_dmarc_pass()", &n, helo, from), "no");
    assert_string_equal(says("check_spf_skipped_noenvfrom()", &n, helo, from), "no");
    assert_string_equal(says("check_spf_skipped_noenvfrom()", &n, helo, STR("")), "no");
    n.spf = n.dmarc = STR("temperror"); /* the DNS is away: nothing is held against anybody */
    assert_string_equal(says("check_for_spf_temperror()", &n, helo, from), "yes");
    assert_string_equal(says("check_for_spf_pass()", &n, helo, from), "open");
    assert_string_equal(says("check_for_spf_fail()", &n, helo, from), "open");
    assert_string_equal(says("check_dmarc_reject()", &n, helo, from), "open");
    assert_string_equal(says("check_for_spf_welcomelist_from()", &n, helo, from), "no");
}

static void what_was_not_asked_does_not_hit(void **state)
{
    const struct rules_signature good = {.domain = STR("shop.example"), .pass = true};
    const struct rules_network network = {.signatures = &good,
                                          .n_signatures = 1,
                                          .dkim_asked = true};
    const struct rules_network nothing = {.spf_asked = false};
    check_signed(NULL, 3, "");
    check_signed(&nothing, 3, "");
    check_signed(&network, 2, "DEPENDABLE "); /* a set without network: "tflags net" is not run */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pass_2_feeds_metas_and_does_not_count_twice),
        cmocka_unit_test(a_file_lets_pass_2_score),
        cmocka_unit_test(signatures_are_looked_at),
        cmocka_unit_test(results_of_senders_are_looked_at),
        cmocka_unit_test(what_was_not_asked_does_not_hit),
    };
    return tap_run(tests, NULL, NULL);
}
