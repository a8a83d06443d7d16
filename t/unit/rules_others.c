/* what rules are told by others: pass 2, signatures */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "rules/compile.h"
#include "rules/language/parse.h"

static const char mail[] = "From: Jean <jean@Shop.example>\n"
                           "To: a@t.example\n"
                           "Return-Path: <bounce@mail.shop.example>\n"
                           "Subject: x\n"
                           "\n"
                           "text\n";

struct world {
    struct pool *pool;
    struct ruleset *set;
    struct rules_scratch *scratch;
    struct rules_input input;
    struct rules_result result;
};

static void open_world(struct world *w, const char *rules, unsigned score_set)
{
    struct err err = {""};
    struct book *book = book_new(NULL, NULL, &err);
    struct parser parser = {.book = book};
    struct message *message;
    struct mail_text *text;
    *w = (struct world){.pool = pool_new(8 << 20)};
    book->options.score_set = score_set;
    assert_int_equal(parse_text(&parser, str_of(rules), "t.cf", &err), 0);
    w->set = compile(book, 1, &err);
    book_free(&book);
    assert_int_equal(message_parse(w->pool, str_of(mail), &mail_limits_default, &message, &err), 0);
    assert_int_equal(mail_text_make(w->pool, message, &text, &err), 0);
    w->scratch = rules_scratch_new(w->set, &err);
    assert_non_null(w->scratch);
    w->input = (struct rules_input){.message = message, .text = text};
}

static void run(struct world *w)
{
    struct err err = {""};
    if (ruleset_run(w->set, w->scratch, &w->input, w->pool, &w->result, &err) < 0)
        fail_msg("%s", err.text);
}

static void close_world(struct world *w)
{
    rules_scratch_free(&w->scratch);
    ruleset_free(&w->set);
    pool_free(&w->pool);
}

static bool hits(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->result.n_hits; i++) {
        if (strcmp(w->result.hits[i].name, name) == 0)
            return true;
    }
    return false;
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
    run(&w); /* not known */
    assert_true(!hits(&w, "BAYES_00") && !hits(&w, "BAYES_99") && hits(&w, "NOT_99"));
    w.input.bayes_known = true;
    w.input.bayes = 0.995;
    run(&w);
    assert_true(hits(&w, "BAYES_99") && hits(&w, "SITE") && !hits(&w, "BAYES_00"));
    assert_true(w.result.total == 1.25);
    w.input.bayes = 0.005;
    run(&w);
    assert_true(hits(&w, "BAYES_00") && hits(&w, "NOT_99") && w.result.total == 0.5);
    w.input.bayes = 0.0; /* the first interval has its lower end */
    run(&w);
    assert_true(hits(&w, "BAYES_00"));
    close_world(&w);
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
    run(&w);
    assert_true(w.result.total == 5.05);
    close_world(&w);
    open_world(&w, BAYES_RULES, 1); /* the sets without learning don't run them */
    w.input.bayes_known = true;
    w.input.bayes = 0.995;
    run(&w);
    assert_true(!hits(&w, "BAYES_99") && hits(&w, "NOT_99"));
    close_world(&w);
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
    run(&w);
    for (size_t i = 0; i < sizeof dkim_names / sizeof *dkim_names; i++) {
        if (hits(&w, dkim_names[i]))
            buf_addf(&found, "%s ", dkim_names[i]);
    }
    assert_string_equal(buf_cstr(&found), expected);
    buf_release(&found);
    close_world(&w);
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
        {{{.domain = STR("shop.example"), .unknown = true}}, 1, "SIGNED DEPENDABLE INVALID "},
        {{{.domain = STR("")}}, 0, "DEPENDABLE CUSTOM ANY_HERE "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct rules_network network = {.signatures = cases[i].list,
                                              .n_signatures = cases[i].n,
                                              .dkim_asked = true};
        check_signed(&network, 1, cases[i].found);
    }
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
        cmocka_unit_test(what_was_not_asked_does_not_hit),
    };
    return tap_run(tests, NULL, NULL);
}
