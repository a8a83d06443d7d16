#include "t/unit/tap.h"

#include "base/score.h"
#include "gateway/verdict.h"
#include "reports/signature.h"

static const char *engines[] = {"clamav", "yara"};

static const struct av_answer clean[2] = {{.engine = "clamav", .result = AV_CLEAN},
                                          {.engine = "yara", .result = AV_CLEAN}};

static struct conf policy(void)
{
    struct conf conf = {.antivirus = {.engines = {engines, 2},
                                      .found = ACT_QUARANTINE,
                                      .unavailable = ACT_DEFER,
                                      .unscannable = ACT_DELIVER_MARKED}};
    return conf;
}

static struct verdict decide(const struct conf *conf, const struct content_facts *content,
                             enum av_result first, enum av_result second)
{
    struct av_answer answers[2] = {{.engine = "clamav", .result = first, .name = "one"},
                                   {.engine = "yara", .result = second, .name = "two"}};
    struct verdict_facts facts = {.content = content, .answers = answers, .n_answers = 2};
    struct verdict verdict;
    verdict_decide(&facts, conf, &verdict);
    return verdict;
}

static void scores_add_up_and_not_above_zero_is_spam(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 1.5, .bayes = -2.0, .bayes_used = true};
    struct verdict v = decide(&conf, &content, AV_CLEAN, AV_CLEAN);
    assert_int_equal(v.class, VERDICT_SPAM);
    assert_int_equal(v.action, VERDICT_DELIVER);
    assert_true(v.tag);
    assert_true(v.global == -0.5);
    content.bayes = -1.5;
    assert_int_equal(decide(&conf, &content, AV_CLEAN, AV_CLEAN).class, VERDICT_SPAM);
    content.bayes = -1.499;
    v = decide(&conf, &content, AV_CLEAN, AV_CLEAN);
    assert_int_equal(v.class, VERDICT_HAM);
    assert_false(v.tag);
}

/* Neither the tag nor DMARC is for what our own people send; what was found in it is. */
static void our_own_mail_is_not_tagged(void **state)
{
    struct conf conf = policy();
    struct content_facts spam = {.heuristics = -4, .required = 5, .dmarc = DMARC_POLICY_REJECT};
    struct av_answer answers[2] = {clean[0], clean[1]};
    struct verdict_facts facts = {.content = &spam,
                                  .answers = answers,
                                  .n_answers = 2,
                                  .dmarc = CONF_DMARC_REJECT,
                                  .ours = true};
    struct verdict v;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(v.class, VERDICT_SPAM);
    assert_int_equal(v.action, VERDICT_DELIVER);
    assert_false(v.tag);
    answers[0].result = AV_INFECTED;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(v.action, VERDICT_QUARANTINE);
    facts.ours = false;
    verdict_decide(&facts, &conf, &v);
    assert_true(v.tag);
}

/* What is attached to a report is what it is about; what nobody could look at waits all the same.
 */
static void a_report_is_let_in_whatever_is_in_it(void **state)
{
    struct conf conf = policy();
    conf.antivirus.found = ACT_REJECT;
    struct content_facts spam = {.heuristics = -4, .required = 5};
    struct verdict v = decide(&conf, &spam, AV_INFECTED, AV_CLEAN);
    assert_int_equal(v.action, VERDICT_REJECT);
    verdict_let_report_in(&v);
    assert_int_equal(v.action, VERDICT_DELIVER);
    assert_int_equal(v.class, VERDICT_INFECTED);
    assert_false(v.tag);
    v = decide(&conf, &spam, AV_FAILED, AV_CLEAN);
    verdict_let_report_in(&v);
    assert_int_equal(v.action, VERDICT_DEFER);
}

/* As in SpamAssassin, where is_spam() is score >= required_score, in thousandths. */
static void the_score_that_is_required_is_spam(void **state)
{
    static const struct {
        double required, total, bayes;
        bool spam;
        const char *status;
    } cases[] = {
        {5, 5, 0, true, "X-Spam-Status: Yes, score=5.0 "},
        {5, 4.999, 0, false, "X-Spam-Status: No, score=4.9 "},
        {5, 4.96, 0, false, "X-Spam-Status: No, score=4.9 "},
        {5, 4.94, 0, false, "X-Spam-Status: No, score=4.9 "},
        {5.1, 1.1 + 2.2 + 1.8, 0, true, "X-Spam-Status: Yes, score=5.1 "},
        {0.3, 0.1 + 0.2, 0, true, "X-Spam-Status: Yes, score=0.3 "},
        {0.3, 0.4, 0.1, true, "X-Spam-Status: Yes, score=0.3 "},
        {0, 0, 0, true, "X-Spam-Status: Yes, score=0.0 "},
        {0, -0.001, 0, false, "X-Spam-Status: No, score=-0.1 "},
    };
    struct conf conf = policy();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct content_facts content = {.heuristics =
                                            score_round(cases[i].required - cases[i].total),
                                        .bayes = cases[i].bayes,
                                        .bayes_used = true,
                                        .required = cases[i].required};
        struct verdict_facts facts = {.content = &content};
        struct verdict v = decide(&conf, &content, AV_CLEAN, AV_CLEAN);
        struct buf out = BUF_INIT(4096);
        struct err err;
        assert_int_equal(verdict_headers(&v, &facts, &conf, NULL, STR("01ID"), &out, &err), 0);
        assert_int_equal(v.class, cases[i].spam ? VERDICT_SPAM : VERDICT_HAM);
        assert_true(str_find(buf_str(&out), str_of(cases[i].status)) != STR_NONE);
        assert_true(str_find(buf_str(&out), STR("-0.0 ")) == STR_NONE);
        buf_release(&out);
    }
}

static void unused_bayes_does_not_count(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 1.5, .bayes = -9, .bayes_used = false};
    assert_true(decide(&conf, &content, AV_CLEAN, AV_CLEAN).global == 1.5);
}

static void one_engine_that_finds_is_enough(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 5};
    static const enum av_result others[] = {AV_CLEAN, AV_INFECTED, AV_UNSCANNABLE, AV_FAILED};
    for (size_t i = 0; i < 4; i++) {
        struct verdict v = decide(&conf, &content, others[i], AV_INFECTED);
        assert_int_equal(v.class, VERDICT_INFECTED);
        assert_int_equal(v.action, VERDICT_QUARANTINE);
    }
    conf.antivirus.found = ACT_REJECT;
    assert_int_equal(decide(&conf, &content, AV_INFECTED, AV_CLEAN).action, VERDICT_REJECT);
}

static void nothing_unscanned_is_called_clean(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 5};
    assert_int_equal(decide(&conf, &content, AV_CLEAN, AV_FAILED).action, VERDICT_DEFER);
    struct verdict v = decide(&conf, &content, AV_CLEAN, AV_UNSCANNABLE);
    assert_int_equal(v.class, VERDICT_UNSCANNABLE);
    assert_int_equal(v.action, VERDICT_DELIVER);
    struct verdict_facts gone = {.content = &content, .antivirus_failed = true};
    verdict_decide(&gone, &conf, &v);
    assert_int_equal(v.action, VERDICT_DEFER);
    gone.content = NULL;
    verdict_decide(&gone, &conf, &v);
    assert_int_equal(v.action, VERDICT_DEFER);
}

static struct verdict decide_banned(const struct conf *conf, enum conf_action ban,
                                    bool left_unlooked_at, enum av_result other)
{
    struct content_facts content = {.heuristics = 5};
    struct av_answer answers[2] = {{.engine = "files",
                                    .result = AV_BANNED,
                                    .name = "a.exe",
                                    .ban = ban,
                                    .left_unlooked_at = left_unlooked_at},
                                   {.engine = "clamav", .result = other, .name = "two"}};
    struct verdict_facts facts = {.content = &content, .answers = answers, .n_answers = 2};
    struct verdict verdict;
    verdict_decide(&facts, conf, &verdict);
    return verdict;
}

static void the_rule_that_bans_names_the_action(void **state)
{
    static const struct {
        enum conf_action ban;
        enum verdict_action action;
    } rows[] = {{ACT_DELIVER_MARKED, VERDICT_DELIVER},
                {ACT_QUARANTINE, VERDICT_QUARANTINE},
                {ACT_REJECT, VERDICT_REJECT}};
    struct conf conf = policy();
    for (size_t i = 0; i < 3; i++) {
        struct verdict v = decide_banned(&conf, rows[i].ban, false, AV_CLEAN);
        assert_int_equal(v.class, VERDICT_BANNED);
        assert_int_equal(v.action, rows[i].action);
        assert_string_equal(v.reason, "banned: a.exe (files)");
        assert_int_equal(decide_banned(&conf, rows[i].ban, false, AV_INFECTED).class,
                         VERDICT_INFECTED);
        assert_int_equal(decide_banned(&conf, rows[i].ban, false, AV_FAILED).action, VERDICT_DEFER);
    }
}

/* A file that is only marked must not let pass what the other policy would hold, nor the reverse.
 */
static void of_banned_and_unscannable_the_stricter_holds(void **state)
{
    struct conf conf = policy();
    for (int in_one_answer = 0; in_one_answer < 2; in_one_answer++) {
        enum av_result other = in_one_answer ? AV_CLEAN : AV_UNSCANNABLE;
        conf.antivirus.unscannable = ACT_QUARANTINE;
        struct verdict v = decide_banned(&conf, ACT_DELIVER_MARKED, in_one_answer, other);
        assert_int_equal(v.class, VERDICT_UNSCANNABLE);
        assert_int_equal(v.action, VERDICT_QUARANTINE);
        conf.antivirus.unscannable = ACT_DEFER;
        v = decide_banned(&conf, ACT_QUARANTINE, in_one_answer, other);
        assert_int_equal(v.class, VERDICT_BANNED);
        assert_int_equal(v.action, VERDICT_QUARANTINE);
    }
}

/* unavailable = pass lets a message by without one engine, not without the others. */
static void what_is_banned_stays_so_when_another_engine_is_away(void **state)
{
    struct conf conf = policy();
    conf.antivirus.unavailable = ACT_PASS;
    struct verdict v = decide_banned(&conf, ACT_QUARANTINE, false, AV_FAILED);
    assert_int_equal(v.class, VERDICT_BANNED);
    assert_int_equal(v.action, VERDICT_QUARANTINE);
}

static void infected_needs_no_content(void **state)
{
    struct conf conf = policy();
    assert_int_equal(decide(&conf, NULL, AV_INFECTED, AV_CLEAN).action, VERDICT_QUARANTINE);
    assert_int_equal(decide(&conf, NULL, AV_CLEAN, AV_CLEAN).action, VERDICT_DEFER);
}

static void headers_cannot_be_broken_out_of(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 5, .required = 5, .tests = STR("A=1.0,B=2.0")};
    struct av_answer answer = {.engine = "clamav",
                               .result = AV_UNSCANNABLE,
                               .name = "x\r\nEvil: 1"};
    struct verdict_facts facts = {.content = &content, .answers = &answer, .n_answers = 1};
    struct verdict v;
    struct buf out = BUF_INIT(4096);
    struct err err;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(verdict_headers(&v, &facts, &conf, NULL, STR("01ID"), &out, &err), 0);
    assert_int_equal(str_find(buf_str(&out), STR("\nEvil")), STR_NONE);
    assert_int_not_equal(str_find(buf_str(&out), STR("x??Evil")), STR_NONE);
    assert_int_not_equal(str_find(buf_str(&out), STR("X-Spam-Status: No, score=0.0")), STR_NONE);
    buf_release(&out);
}

static void long_test_lists_are_folded(void **state)
{
    struct conf conf = policy();
    struct buf tests = BUF_INIT(100000), out = BUF_INIT(200000);
    for (int i = 0; i < 500; i++)
        buf_addf(&tests, "%sSOME_RULE_%d=1.0", i ? "," : "", i);
    struct content_facts content = {.heuristics = -5, .required = 5, .tests = buf_str(&tests)};
    struct verdict_facts facts = {.content = &content};
    struct verdict v;
    struct err err;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(verdict_headers(&v, &facts, &conf, NULL, STR("01ID"), &out, &err), 0);
    struct str rest = buf_str(&out), line;
    assert_true(buf_ok(&out));
    while (str_next_line(&rest, &line))
        assert_in_range(line.n, 1, 78);
    buf_release(&tests);
    buf_release(&out);
}

static void the_id_is_signed_where_the_contents_are_known(void **state)
{
    struct conf conf = policy();
    struct content_facts content = {.heuristics = 5, .required = 5, .fingerprinted = true};
    struct verdict_facts facts = {.content = &content};
    struct keys keys = {.n = 1};
    struct buf out = BUF_INIT(4096);
    struct verdict v;
    struct err err;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(verdict_headers(&v, &facts, &conf, &keys, STR("01ID"), &out, &err), 0);
    size_t at = str_find(buf_str(&out), STR("X-Poterne-Id:"));
    assert_true(at != STR_NONE);
    struct str value = str_from(buf_str(&out), at + strlen("X-Poterne-Id:"));
    struct signature_field field;
    enum signature_result result;
    assert_true(signature_parse(value, &field));
    assert_int_equal(signature_check(&keys, field.id, field.text, &content.fingerprint, &result,
                                     &err),
                     0);
    assert_int_equal(result, SIGNATURE_GOOD_HAM);
    content.fingerprinted = false;
    buf_clear(&out);
    assert_int_equal(verdict_headers(&v, &facts, &conf, &keys, STR("01ID"), &out, &err), 0);
    assert_true(str_ends(buf_str(&out), STR("X-Poterne-Id: 01ID\r\n")));
    buf_release(&out);
}

static void facts_survive_the_wire(void **state)
{
    struct edit change = {.at = 7, .remove = 9, .insert = STR("Subject: x\r\n")};
    struct content_facts in = {.heuristics = 1.25,
                               .bayes = -3,
                               .bayes_used = true,
                               .required = 5,
                               .tests = STR("A=1"),
                               .received_hops = 4,
                               .evidence = STR("{}"),
                               .fingerprinted = true,
                               .fingerprint = {{1, 2}, MISSING_DATE},
                               .tagged = {&change, 1, 5}};
    struct buf wire = BUF_INIT(4096);
    struct pool *pool = pool_new(4096);
    struct content_facts out;
    content_facts_put(&wire, &in);
    assert_true(content_facts_get(buf_str(&wire), pool, &out));
    assert_true(out.heuristics == 1.25 && out.bayes == -3 && out.bayes_used);
    assert_true(out.fingerprinted && out.fingerprint.bytes[1] == 2 &&
                out.fingerprint.missing == MISSING_DATE);
    assert_int_equal(out.edits.n, 0);
    assert_int_equal(out.tagged.n, 1);
    assert_int_equal(out.tagged.top, 5);
    assert_int_equal(out.tagged.list[0].remove, 9);
    assert_str(out.tagged.list[0].insert, "Subject: x\r\n");
    for (size_t n = 0; n < wire.n; n++)
        assert_false(content_facts_get(str_sub(buf_str(&wire), 0, n), pool, &out));
    pool_free(&pool);
    buf_release(&wire);
}

/* The author's domain asks, ours say what they let happen at most. */
static void dmarc_is_acted_on_as_both_want(void **state)
{
    static const struct {
        enum dmarc_policy asked;
        enum conf_dmarc ours;
        enum verdict_class class;
        enum verdict_action action;
    } cases[] = {
        {DMARC_POLICY_NONE, CONF_DMARC_REJECT, VERDICT_HAM, VERDICT_DELIVER},
        {DMARC_POLICY_QUARANTINE, CONF_DMARC_NONE, VERDICT_HAM, VERDICT_DELIVER},
        {DMARC_POLICY_QUARANTINE, CONF_DMARC_TAG, VERDICT_FORGED, VERDICT_DELIVER},
        {DMARC_POLICY_QUARANTINE, CONF_DMARC_REJECT, VERDICT_FORGED, VERDICT_QUARANTINE},
        {DMARC_POLICY_REJECT, CONF_DMARC_TAG, VERDICT_FORGED, VERDICT_DELIVER},
        {DMARC_POLICY_REJECT, CONF_DMARC_QUARANTINE, VERDICT_FORGED, VERDICT_QUARANTINE},
        {DMARC_POLICY_REJECT, CONF_DMARC_REJECT, VERDICT_FORGED, VERDICT_REJECT},
    };
    const struct conf conf = policy();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct content_facts content = {.heuristics = 5,
                                              .dmarc = cases[i].asked,
                                              .dmarc_domain = STR("bank.example")};
        const struct verdict_facts facts = {.content = &content,
                                            .answers = clean,
                                            .n_answers = 2,
                                            .dmarc = cases[i].ours};
        struct verdict v;
        verdict_decide(&facts, &conf, &v);
        assert_int_equal(v.class, cases[i].class);
        assert_int_equal(v.action, cases[i].action);
        assert_int_equal(v.tag, v.class == VERDICT_FORGED);
        if (v.class == VERDICT_FORGED)
            assert_non_null(strstr(v.reason, "forged: bank.example asks for "));
    }
}

/* A virus stays a virus, and what could not be examined is examined first. */
static void dmarc_hides_no_finding(void **state)
{
    const struct conf conf = policy();
    const struct content_facts content = {.heuristics = 5, .dmarc = DMARC_POLICY_REJECT};
    struct av_answer answers[] = {clean[0], clean[1]};
    struct verdict_facts facts = {.content = &content,
                                  .answers = answers,
                                  .n_answers = 2,
                                  .dmarc = CONF_DMARC_QUARANTINE};
    struct verdict v;
    answers[1].result = AV_INFECTED;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(v.class, VERDICT_INFECTED);
    assert_int_equal(v.action, VERDICT_QUARANTINE);
    facts.dmarc = CONF_DMARC_REJECT;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(v.class, VERDICT_INFECTED);
    assert_int_equal(v.action, VERDICT_QUARANTINE);
    answers[1].result = AV_FAILED;
    verdict_decide(&facts, &conf, &v);
    assert_int_equal(v.action, VERDICT_DEFER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_add_up_and_not_above_zero_is_spam),
        cmocka_unit_test(the_score_that_is_required_is_spam),
        cmocka_unit_test(our_own_mail_is_not_tagged),
        cmocka_unit_test(a_report_is_let_in_whatever_is_in_it),
        cmocka_unit_test(unused_bayes_does_not_count),
        cmocka_unit_test(one_engine_that_finds_is_enough),
        cmocka_unit_test(nothing_unscanned_is_called_clean),
        cmocka_unit_test(the_rule_that_bans_names_the_action),
        cmocka_unit_test(of_banned_and_unscannable_the_stricter_holds),
        cmocka_unit_test(what_is_banned_stays_so_when_another_engine_is_away),
        cmocka_unit_test(infected_needs_no_content),
        cmocka_unit_test(headers_cannot_be_broken_out_of),
        cmocka_unit_test(long_test_lists_are_folded),
        cmocka_unit_test(the_id_is_signed_where_the_contents_are_known),
        cmocka_unit_test(facts_survive_the_wire),
        cmocka_unit_test(dmarc_is_acted_on_as_both_want),
        cmocka_unit_test(dmarc_hides_no_finding),
    };
    return tap_run(tests, NULL, NULL);
}
