#include "t/unit/tap.h"

#include <stdio.h>

#include "sender/authres.h"

static void composes(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct dkim_results results = {.n = 2};
    results.list[0] = (struct dkim_signature){.result = DKIM_PASS,
                                              .domain = STR("example.com"),
                                              .selector = STR("s1"),
                                              .algorithm = STR("rsa-sha256"),
                                              .start = STR("Ab/d+efg")};
    results.list[1] = (struct dkim_signature){.result = DKIM_FAIL,
                                              .domain = STR("exam\r\nple\".com"),
                                              .selector = STR("a;b"),
                                              .reason = STR("body hash did not verify")};
    authres_begin(&out, STR("mx.example.org"));
    authres_dkim(&out, &results);
    authres_end(&out);
    assert_str(buf_str(&out), "Authentication-Results: mx.example.org;\r\n"
                              "\tdkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256\r\n"
                              "\theader.b=\"Ab/d+efg\";\r\n"
                              "\tdkim=fail reason=\"body hash did not verify\" "
                              "header.d=\"exam??ple\\\".com\"\r\n"
                              "\theader.s=\"a;b\"\r\n");
    buf_clear(&out);
    results.n = 0;
    authres_begin(&out, STR("mx.example.org"));
    authres_dkim(&out, &results);
    authres_end(&out);
    assert_str(buf_str(&out), "Authentication-Results: mx.example.org;\r\n\tdkim=none\r\n");
    buf_release(&out);
}

/* RFC 6376 3.6.1: whoever is behind us must not take it for a signature. */
static void a_key_in_testing_mode_is_no_pass(void **state)
{
    static const enum dkim_result results[] = {DKIM_PASS, DKIM_FAIL};
    struct buf out = BUF_INIT(4096);
    struct dkim_results one = {.n = 1};
    for (size_t i = 0; i < 2; i++) {
        one.list[0] = (struct dkim_signature){.result = results[i],
                                              .domain = STR("example.com"),
                                              .testing = true};
        buf_clear(&out);
        authres_dkim(&out, &one);
        assert_str(buf_str(&out), ";\r\n\tdkim=neutral reason=\"its key is in testing mode\""
                                  " header.d=example.com");
    }
    buf_release(&out);
}

/* RFC 5322 2.1.1: whatever names a stranger has. */
static void no_line_is_too_long(void **state)
{
    char quotes[300];
    struct buf out = BUF_INIT(64 * 1024);
    struct dkim_results results = {.n = DKIM_SIGNATURES_MAX};
    const struct str name = str_n(quotes, sizeof quotes);
    struct spf_answer spf = {.result = SPF_FAIL, .reason = name};
    struct dmarc_answer dmarc = {.result = DMARC_FAIL, .reason = name, .domain = name};
    struct arc_answer arc = {.result = ARC_PASS, .n = 1};
    memset(quotes, '"', sizeof quotes);
    arc.hops[0].sealer = name;
    for (size_t i = 0; i < DKIM_SIGNATURES_MAX; i++)
        results.list[i] = (struct dkim_signature){.result = DKIM_FAIL,
                                                  .domain = name,
                                                  .selector = name,
                                                  .algorithm = name,
                                                  .reason = name,
                                                  .start = name};
    authres_begin(&out, name);
    authres_iprev(&out, STR("192.0.2.1"), name);
    authres_spf(&out, &spf, name, name);
    authres_dkim(&out, &results);
    authres_arc(&out, &arc, name);
    authres_dmarc(&out, &dmarc);
    authres_end(&out);
    assert_true(buf_ok(&out));
    struct str rest = buf_str(&out), line;
    size_t n = 0;
    for (; str_next_line(&rest, &line); n++)
        if (line.n > 998 || (n > 0 && line.n > 0 && line.s[0] != '\t'))
            fail_msg("%zu bytes: %.*s", line.n, STR_ARG(line));
    assert_true(n > 50);
    buf_release(&out);
}

static void a_refusal_for_what_nobody_knows_is_told(void **state)
{
    struct buf out = BUF_INIT(4096);
    const struct dmarc_answer many = {.result = DMARC_PERMERROR,
                                      .reason = STR("the authors are of too many domains"),
                                      .domain = STR("a.example"),
                                      .applied = DMARC_POLICY_REJECT};
    authres_dmarc(&out, &many);
    assert_str(buf_str(&out), ";\r\n\tdmarc=permerror reason=\"the authors are of too many "
                              "domains\"\r\n\theader.from=a.example policy.dmarc=reject");
    buf_release(&out);
}

static void says_what_was_found_of_the_envelope(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct spf_answer spf = {.result = SPF_PASS, .domain = STR("example.com")};
    struct dmarc_answer dmarc = {.result = DMARC_FAIL,
                                 .domain = STR("example.net"),
                                 .record_domain = STR("example.net"),
                                 .policy = DMARC_POLICY_REJECT,
                                 .applied = DMARC_POLICY_QUARANTINE,
                                 .testing = true};
    authres_begin(&out, STR("mx.example.org"));
    authres_iprev(&out, STR("2001:db8::1"), STR("mail.example.com"));
    authres_spf(&out, &spf, STR("a+b@example.com"), STR("mail.example.com"));
    authres_dmarc(&out, &dmarc);
    authres_end(&out);
    assert_str(buf_str(&out), "Authentication-Results: mx.example.org;\r\n"
                              "\tiprev=pass policy.iprev=\"2001:db8::1\" (mail.example.com);\r\n"
                              "\tspf=pass smtp.mailfrom=a+b@example.com;\r\n"
                              "\tdmarc=fail header.from=example.net policy.dmarc=quarantine "
                              "(p=reject t=y)\r\n");
    buf_clear(&out);
    authres_begin(&out, STR("mx.example.org"));
    authres_end(&out);
    assert_str(buf_str(&out), "Authentication-Results: mx.example.org; none\r\n");
    buf_release(&out);
}

static void what_a_stranger_says_is_quoted(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct spf_answer spf = {.result = SPF_PERMERROR, .reason = STR("too many look-ups")};
    authres_iprev(&out, STR("192.0.2.1"), STR("a) dmarc=pass (b"));
    authres_spf(&out, &spf, STR("\"a b\"; dkim=pass\r\n@example.com"), STR(""));
    spf.of_helo = true;
    authres_spf(&out, &spf, STR(""), STR("x; dmarc=pass"));
    authres_spf(&out, &spf, STR(""), STR("@"));
    assert_str(buf_str(&out),
               ";\r\n\tiprev=pass policy.iprev=192.0.2.1 (a??dmarc?pass??b);\r\n"
               "\tspf=permerror reason=\"too many look-ups\"\r\n"
               "\tsmtp.mailfrom=\"\\\"a b\\\"; dkim=pass??@example.com\";\r\n"
               "\tspf=permerror reason=\"too many look-ups\" smtp.helo=\"x; dmarc=pass\";\r\n"
               "\tspf=permerror reason=\"too many look-ups\" smtp.helo=\"@\"");
    buf_release(&out);
}

static size_t forged(const char *raw, struct authres_span **spans)
{
    static struct pool *pool;
    struct err err;
    size_t n = 0;
    if (!pool)
        pool = pool_new(1 << 20);
    pool_reset(pool);
    assert_int_equal(authres_forged(pool, str_of(raw), STR("mx.example.org"), spans, &n, &err), 0);
    return n;
}

#define AR "Authentication-Results:"

static void finds_those_that_claim_to_be_ours(void **state)
{
    static const char *const ours[] = {
        AR " mx.example.org; dkim=pass\r\n\r\n",
        AR " MX.Example.ORG; dkim=pass\r\n\r\n",
        "authentication-results:mx.example.org;dkim=pass\n\n",
        AR " mx.example.org 1; dkim=pass\r\n\r\n",
        AR "\r\n\tmx.example.org\r\n\t; dkim=pass\r\n\r\n",
        AR " (a (nested) comment \\) ) mx.example.org; none\r\n\r\n",
        AR " \"mx.example.org\"; none\r\n\r\n",
        AR " \"mx\\.example.org\"; none\r\n\r\n",
        AR " mx.example.org.; none\r\n\r\n",
        AR " mx.example.org(comment); none\r\n\r\n",
        "Authentication-Results : mx.example.org; none\r\n\r\n",
        AR " mx.example.org",
        /* nobody can read these, so nobody shall believe them */
        AR "\r\n\r\n",
        AR " (never closed mx.other.example; dkim=pass\r\n\r\n",
        AR " \"never closed; dkim=pass\r\n\r\n",
        AR " ; dkim=pass\r\n\r\n",
    };
    struct authres_span *spans;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (forged(ours[i], &spans) != 1)
            fail_msg("not found: %s", ours[i]);
}

static void leaves_those_of_others(void **state)
{
    static const char *const others[] = {
        AR " mx.example.com; dkim=pass\r\n\r\n",
        AR " mx.example.org.evil.example; dkim=pass\r\n\r\n",
        AR " other; dkim=pass header.d=mx.example.org\r\n\r\n",
        "X-Authentication-Results: mx.example.org; none\r\n\r\n",
        "Subject: x\r\n\r\n" AR " mx.example.org; none\r\n",
        "",
    };
    struct authres_span *spans;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(forged(others[i], &spans), 0);
}

static void spans_are_whole_fields(void **state)
{
    struct authres_span *spans;
    const char *raw = "A: 1\r\n" AR " mx.example.org;\r\n dkim=pass\r\n" AR
                      " mx.example.org; none\r\nB: 2\r\n" AR " mx.example.org\r\n\r\nbody";
    assert_int_equal(forged(raw, &spans), 2);
    assert_int_equal(spans[0].at, 6);
    assert_str(str_sub(str_of(raw), spans[0].end, spans[1].at), "B: 2\r\n");
    assert_str(str_from(str_of(raw), spans[1].end), "\r\nbody");
}

static void says_when_there_are_too_many(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    struct buf raw = BUF_INIT(1 << 20);
    struct authres_span *spans;
    size_t n;
    struct err err;
    for (int i = 0; i <= AUTHRES_FORGED_MAX; i++)
        buf_add(&raw, STR(AR " mx.example.org\r\nA: 1\r\n"));
    assert_int_equal(authres_forged(pool, buf_str(&raw), STR("mx.example.org"), &spans, &n, &err),
                     -1);
    buf_release(&raw);
    pool_free(&pool);
}

static void comes_out_of_the_message(void **state)
{
    struct pool *pool = pool_new(1 << 24);
    struct buf out = BUF_INIT(1 << 20);
    struct message *message;
    struct edits edits;
    struct err err;
    struct str raw = STR("From: a@example.com\r\n" AR " mx.example.org; dkim=pass\r\n"
                         "X-Spam-Flag: NO\r\n" AR " mx.example.org;\r\n spf=pass\r\n" AR
                         " other.example; spf=pass\r\nSubject: x\r\n" AR " mx.example.org; a\r\n"
                         "\r\n" AR " mx.example.org; in the body\r\n");
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &message, &err), 0);
    assert_int_equal(edits_make(pool, message, STR("[SPAM] "), &edits, &err), 0);
    assert_int_equal(authres_remove(pool, message, STR("mx.example.org"), &edits, &err), 0);
    assert_int_equal(edits_insert_top(pool, &edits, STR(AR " mx.example.org; ours\r\n"), &err), 0);
    edits_apply(&edits, raw, &out);
    assert_str(buf_str(&out), AR " mx.example.org; ours\r\nFrom: a@example.com\r\n" AR
                                 " other.example; spf=pass\r\nSubject: [SPAM] x\r\n\r\n" AR
                                 " mx.example.org; in the body\r\n");
    buf_release(&out);
    pool_free(&pool);
}

static void also_where_the_header_is_written_anew(void **state)
{
    struct pool *pool = pool_new(1 << 26);
    struct buf raw = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
    struct message *message;
    struct edits edits;
    struct err err;
    for (int i = 0; i < EDITS_MAX + 100; i++)
        buf_add(&raw, STR("X-Spam-Flag: NO\r\nA: 1\r\n"));
    buf_add(&raw, STR(AR " mx.example.org; dkim=pass\r\nSubject: x\r\n\r\nbody\r\n"));
    assert_int_equal(message_parse(pool, buf_str(&raw), &mail_limits_default, &message, &err), 0);
    assert_int_equal(edits_make(pool, message, STR_EMPTY, &edits, &err), 0);
    assert_int_equal(authres_remove(pool, message, STR("mx.example.org"), &edits, &err), 0);
    edits_apply(&edits, buf_str(&raw), &out);
    assert_int_equal(str_find(buf_str(&out), STR("Authentication")), STR_NONE);
    assert_true(str_ends(buf_str(&out), STR("A: 1\r\nSubject: x\r\n\r\nbody\r\n")));
    buf_release(&raw);
    buf_release(&out);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composes),
        cmocka_unit_test(a_key_in_testing_mode_is_no_pass),
        cmocka_unit_test(no_line_is_too_long),
        cmocka_unit_test(a_refusal_for_what_nobody_knows_is_told),
        cmocka_unit_test(says_what_was_found_of_the_envelope),
        cmocka_unit_test(what_a_stranger_says_is_quoted),
        cmocka_unit_test(finds_those_that_claim_to_be_ours),
        cmocka_unit_test(leaves_those_of_others),
        cmocka_unit_test(spans_are_whole_fields),
        cmocka_unit_test(says_when_there_are_too_many),
        cmocka_unit_test(comes_out_of_the_message),
        cmocka_unit_test(also_where_the_header_is_written_anew),
    };
    return tap_run(tests, NULL, NULL);
}
