/* What a sender asks for with a message: RFC 3461 4, RFC 6533 3. */
#include "t/unit/tap.h"

#include <string.h>

#include "mail/dsn.h"

static void notify(void **state)
{
    static const struct {
        const char *text, *again;
        unsigned bits;
    } good[] = {
        {"NEVER", "NEVER", DSN_NEVER},
        {"success", "SUCCESS", DSN_SUCCESS},
        {"DELAY,FAILURE", "FAILURE,DELAY", DSN_DELAY | DSN_FAILURE},
        {"Delay,Success,Failure", "SUCCESS,FAILURE,DELAY", DSN_NOTIFY & ~DSN_NEVER},
    };
    static const char *const bad[] = {"",       "NEVER,DELAY", "DELAY,NEVER",   "DELAY,DELAY",
                                      "DELAY,", ",DELAY",      "DELAY FAILURE", "ALL"};
    unsigned bits;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char room[64];
        struct buf out = BUF_OVER(room);
        assert_true(dsn_notify_read(str_of(good[i].text), &bits));
        assert_int_equal(bits, good[i].bits);
        dsn_notify_put(bits, &out);
        assert_str(buf_str(&out), good[i].again);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dsn_notify_read(str_of(bad[i]), &bits));
    assert_true(dsn_wants(0, DSN_FAILURE) && dsn_wants(0, DSN_DELAY));
    assert_false(dsn_wants(0, DSN_SUCCESS) || dsn_wants(DSN_NEVER, DSN_FAILURE));
    assert_false(dsn_wants(DSN_SUCCESS, DSN_FAILURE) || dsn_wants(DSN_SUCCESS, DSN_DELAY));
    assert_true(dsn_wants(DSN_SUCCESS, DSN_SUCCESS));
    assert_int_equal(dsn_without_success(DSN_SUCCESS), DSN_NEVER);
    assert_int_equal(dsn_without_success(DSN_SUCCESS | DSN_DELAY), DSN_DELAY);
    assert_int_equal(dsn_without_success(0), 0);
}

static void envid(void **state)
{
    char room[200], long_one[DSN_ENVID_MAX + 1];
    struct buf out = BUF_OVER(room);
    static const char *const bad[] = {"",    "a b", "a=b", "+",        "+4",   "+4g", "+2b",
                                      "+0A", "+7F", "+FF", "\xc3\xa9", "\x7f", "a\r"};
    (void)state;
    memset(long_one, 'x', sizeof long_one);
    assert_true(dsn_envid_valid(str_n(long_one, DSN_ENVID_MAX)));
    assert_false(dsn_envid_valid(str_n(long_one, DSN_ENVID_MAX + 1)));
    assert_true(dsn_envid_valid(STR("QQ+2B1+3D2+20!~")));
    dsn_xtext_decode(STR("QQ+2B1+3D2+20!~"), &out);
    assert_str(buf_str(&out), "QQ+1=2 !~");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dsn_envid_valid(str_of(bad[i])));
}

static void orcpt(void **state)
{
    static const struct {
        const char *text;
        bool ascii, utf8;
    } cases[] = {
        {"rfc822;a+2Bb@a.example", true, true},
        {"X-400;c+3Dus", true, true},
        {"rfc822;", false, false},
        {";a@b.example", false, false},
        {"a@b.example", false, false},
        {"rf c;a", false, false},
        {"rfc822;a+b", false, false},
        {"rfc822;ren\xc3\xa9@a.example", false, false},
        {"utf-8;ren\xc3\xa9@a.example", false, true},
        {"utf-8;ren\xc3@a.example", false, false},
        {"utf-8;ren\xc2\x85@a.example", false, false},
        {"utf-8;ren\\x{E9}@a.example", true, true},
        {"UTF-8;\\x{5C}\\x{2B}\\x{10FFFF}", true, true},
        {"utf-8;\\x{110000}", false, false},
        {"utf-8;\\x{DFFF}", false, false},
        {"utf-8;\\x{A}", false, false},
        {"utf-8;\\x{0A}", false, false},
        {"utf-8;\\x{1F}", false, false},
        {"utf-8;\\x{85}", false, false},
        {"utf-8;\\x{e9}", false, false},
        {"utf-8;\\x{E9", false, false},
        {"utf-8;\\x{}", false, false},
        {"utf-8;\\", false, false},
        {"utf-8;a+2B", false, false},
    };
    struct str type, address;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool ascii = dsn_orcpt_valid(str_of(cases[i].text), false);
        bool utf8 = dsn_orcpt_valid(str_of(cases[i].text), true);
        if (ascii != cases[i].ascii || utf8 != cases[i].utf8)
            print_message("# %s\n", cases[i].text);
        assert_int_equal(ascii, cases[i].ascii);
        assert_int_equal(utf8, cases[i].utf8);
    }
    char room[64];
    struct buf out = BUF_OVER(room);
    dsn_orcpt_put(STR("utf-8;\xe6\x97\xa5\x5cx{E9}@a.example"), false, &out);
    assert_str(buf_str(&out), "utf-8;\\x{65E5}\\x{E9}@a.example");
    buf_clear(&out);
    dsn_orcpt_put(STR("utf-8;ren\xc3\xa9@a.example"), true, &out);
    assert_str(buf_str(&out), "utf-8;ren\xc3\xa9@a.example");
    dsn_orcpt_split(STR("rfc822;a;b"), &type, &address);
    assert_str(type, "rfc822");
    assert_str(address, "a;b");
}

static void ret(void **state)
{
    enum dsn_ret ret;
    (void)state;
    assert_true(dsn_ret_read(STR("full"), &ret));
    assert_int_equal(ret, DSN_RET_FULL);
    assert_true(dsn_ret_read(STR("HDRS"), &ret));
    assert_int_equal(ret, DSN_RET_HDRS);
    assert_false(dsn_ret_read(STR(""), &ret));
    assert_int_equal(ret, DSN_RET_UNSAID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(notify), cmocka_unit_test(envid),
                                       cmocka_unit_test(orcpt), cmocka_unit_test(ret)};
    return tap_run(tests, NULL, NULL);
}
