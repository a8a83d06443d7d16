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
                                              .algorithm = STR("rsa-sha256")};
    results.list[1] = (struct dkim_signature){.result = DKIM_FAIL,
                                              .domain = STR("exam\r\nple\".com"),
                                              .selector = STR("a;b"),
                                              .reason = STR("body hash did not verify"),
                                              .testing = true};
    authres_begin(&out, STR("mx.example.org"));
    authres_dkim(&out, &results);
    authres_end(&out);
    assert_str(buf_str(&out),
               "Authentication-Results: mx.example.org;\r\n"
               "\tdkim=pass header.d=example.com header.s=s1 header.a=rsa-sha256;\r\n"
               "\tdkim=fail reason=\"body hash did not verify\" header.d=\"exam??ple\\\".com\" "
               "header.s=\"a;b\" (test key)\r\n");
    buf_clear(&out);
    results.n = 0;
    authres_begin(&out, STR("mx.example.org"));
    authres_dkim(&out, &results);
    authres_end(&out);
    assert_str(buf_str(&out), "Authentication-Results: mx.example.org;\r\n\tdkim=none\r\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(composes),
        cmocka_unit_test(finds_those_that_claim_to_be_ours),
        cmocka_unit_test(leaves_those_of_others),
        cmocka_unit_test(spans_are_whole_fields),
        cmocka_unit_test(says_when_there_are_too_many),
    };
    return tap_run(tests, NULL, NULL);
}
