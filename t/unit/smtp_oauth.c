/* oauth: the messages of OAUTHBEARER (those of RFC 7628 4 among them) and XOAUTH2, malformed ones,
 * and what a client is told of a token that is refused. */
#include "t/unit/tap.h"

#include "gateway/smtp/oauth.h"
#include "mail/transfer.h"

#define X "\x01"

static void bearer(void **state)
{
    struct oauth_message m;
    char name[64];
    assert_true(oauth_read_bearer(STR("n,a=user@example.com," X "host=server.example.com" X
                                      "port=143" X "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEu"
                                      "Y29tCg==" X X),
                                  &m));
    assert_true(str_eq(m.user, STR("user@example.com")));
    assert_true(str_eq(m.token, STR("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")));
    assert_true(oauth_read_bearer(STR("y,," X "auth=bearer  a.b_c~d+e/f-g" X X), &m));
    assert_int_equal(m.user.n, 0);
    assert_true(str_eq(m.token, STR("a.b_c~d+e/f-g")));
    assert_true(oauth_read_bearer(STR("n,," X "auth=" X X), &m));
    assert_int_equal(m.token.n, 0);
    assert_true(oauth_read_bearer(STR("n,," X X), &m));
    assert_int_equal(m.token.n, 0);
    assert_true(oauth_user(STR("a=2Cb=3Dc"), name, sizeof name));
    assert_string_equal(name, "a,b=c");
    assert_false(oauth_user(STR("a=2cb"), name, sizeof name));
    assert_false(oauth_user(STR("a="), name, sizeof name));
    assert_false(oauth_user(STR("abcd"), name, 4));
    assert_true(oauth_user(STR("abc"), name, 4));
}

static void xoauth2(void **state)
{
    struct oauth_message m;
    assert_true(oauth_read_xoauth2(STR("user=some=one@example.com" X "auth=Bearer ya29" X X), &m));
    assert_true(str_eq(m.user, STR("some=one@example.com")));
    assert_true(str_eq(m.token, STR("ya29")));
    assert_false(oauth_read_xoauth2(STR("user=a" X "auth=Bearer x" X), &m));
    assert_false(oauth_read_xoauth2(STR("auth=Bearer x" X X), &m));
    assert_false(oauth_read_xoauth2(STR("user=a"), &m));
}

static void malformed(void **state)
{
    static const char *const bad[] = {
        "",
        "n",
        "n,",
        "n,,",
        "n,," X,
        "n,a=x" X "auth=Bearer x" X X,
        "n,a=," X "auth=Bearer x" X X,
        "n,b=x," X "auth=Bearer x" X X,
        "p=tls-unique,," X "auth=Bearer x" X X,
        "n,," X "auth=Bearer x" X,
        "n,," X "auth=Bearer x",
        "n,," X "auth=Bearer" X X,
        "n,," X "auth=Bearer " X X,
        "n,," X "auth=Bearer ==" X X,
        "n,," X "auth=Bearer a=b" X X,
        "n,," X "auth=Bearer a b" X X,
        "n,," X "auth=Basic x" X X,
        "n,," X "auth=Bearer x" X "auth=Bearer x" X X,
        "n,," X "auth" X X,
        "n,," X "=x" X X,
        "n,," X "a1=x" X X,
        "n,," X "host=x" X X X,
        "n,,auth=Bearer x" X X,
    };
    struct oauth_message m;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (oauth_read_bearer(str_of(bad[i]), &m))
            fail_msg("number %zu was taken", i);
    assert_false(oauth_read_bearer(str_n("n,,\1auth=Bearer a\0b\1\1", 22), &m));
}

static void expect_error(const struct conf_oauth *conf, bool google, enum oauth_error error,
                         const char *expected)
{
    char room[OAUTH_ERROR_MAX * 2];
    struct buf out = BUF_OVER(room);
    oauth_error_put(&out, conf, google, error);
    assert_string_equal(buf_cstr(&out), expected);
}

static void errors(void **state)
{
    char long_text[600];
    struct conf_oauth conf = {.scope = "", .configuration = ""};
    expect_error(&conf, false, OAUTH_INVALID_TOKEN, "eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=");
    conf.scope = "a\"b";
    /* {"status":"insufficient_scope","scope":"a\"b"} */
    expect_error(&conf, false, OAUTH_INSUFFICIENT_SCOPE,
                 "eyJzdGF0dXMiOiJpbnN1ZmZpY2llbnRfc2NvcGUiLCJzY29wZSI6ImFcImIifQ==");
    /* {"status":"401","schemes":"bearer","scope":"a\"b"} */
    expect_error(&conf, true, OAUTH_INVALID_TOKEN,
                 "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJhXCJiIn0=");
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    conf.configuration = long_text; /* what does not fit is left out, and the rest stays JSON */
    expect_error(&conf, false, OAUTH_INSUFFICIENT_SCOPE,
                 "eyJzdGF0dXMiOiJpbnN1ZmZpY2llbnRfc2NvcGUiLCJzY29wZSI6ImFcImIifQ==");
}

/* Whatever the length of what is told: it fits, and a brace ends it. */
static void lengths(void **state)
{
    char text[OAUTH_ERROR_MAX + 10], room[OAUTH_ERROR_MAX * 2], json_room[OAUTH_ERROR_MAX * 2];
    for (size_t n = 0; n < sizeof text; n++) {
        struct buf out = BUF_OVER(room), json = BUF_OVER(json_room);
        memset(text, 'x', n);
        text[n] = '\0';
        const struct conf_oauth conf = {.scope = text, .configuration = ""};
        oauth_error_put(&out, &conf, false, OAUTH_INVALID_TOKEN);
        assert_true(buf_ok(&out) && out.n <= OAUTH_ERROR_MAX / 3 * 4 && out.n % 4 == 0);
        transfer_base64(buf_str(&out), &json);
        assert_true(str_ends(buf_str(&json), n ? STR("\"}") : STR("invalid_token\"}")));
        bool told = str_find(buf_str(&json), STR("scope")) != STR_NONE;
        if (n < OAUTH_ERROR_MAX - 40)
            assert_true(told == (n > 0));
        if (n > OAUTH_ERROR_MAX - 30)
            assert_false(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bearer), cmocka_unit_test(xoauth2), cmocka_unit_test(malformed),
        cmocka_unit_test(errors), cmocka_unit_test(lengths),
    };
    return tap_run(tests, NULL, NULL);
}
