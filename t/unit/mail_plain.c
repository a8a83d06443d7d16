/* Texts from mail, made harmless for who reads them. */
#include "t/unit/tap.h"

#include "mail/plain.h"

static void assert_plain(struct str text, size_t columns, const char *expected, size_t used)
{
    char space[256];
    struct buf out = BUF_OVER(space);
    size_t got = used;
    if (columns)
        got = plain_add_cut(&out, text, columns);
    else
        plain_add(&out, text);
    assert_str(buf_str(&out), expected);
    assert_int_equal(got, used);
}

static void test_harmless(void **state)
{
    (void)state;
    assert_plain(STR("Réunion, 9 €"), 0, "Réunion, 9 €", 0);
    assert_plain(STR("\x1b[2J\x07\r\n\x7f\xc2\x9b"), 0, "\\x1b[2J\\x07\\x0d\\x0a\\x7f\\xc2\\x9b",
                 0);
    assert_plain(STR("\xe2\x80\xae"
                     "exe"),
                 0, "\\xe2\\x80\\xaeexe", 0);
    assert_plain(STR("\xff\xc3"), 0, "\\xff\\xc3", 0);
    assert_plain(STR_EMPTY, 0, "", 0);
}

static void test_cut(void **state)
{
    (void)state;
    assert_plain(STR("abc"), 3, "abc", 3);
    assert_plain(STR("abcd"), 3, "ab…", 3);
    assert_plain(STR("éééé"), 3, "éé…", 3);
    /* what is written in four columns fits or is left out */
    assert_plain(STR("a\x01"), 5, "a\\x01", 5);
    assert_plain(STR("a\x01"), 4, "a…", 2);
    assert_plain(STR("a\x01z"), 5, "a…", 2);
    assert_plain(STR("abc"), 1, "…", 1);
    assert_plain(STR_EMPTY, 3, "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_cut),
    };
    return tap_run(tests, NULL, NULL);
}
