#include "t/unit/tap.h"

#include "base/ascii.h"
#include "base/str.h"

/* Counts the bytes of a class; each must be one of `members`. */
static size_t members_of(bool (*class)(char), struct str members)
{
    size_t n = 0;
    for (unsigned i = 0; i < 256; i++) {
        char c = (char)i;
        bool member = members.n && memchr(members.s, c, members.n) != NULL;
        if (class(c) != member)
            fail_msg("byte 0x%02x: %d", i, class(c));
        n += class(c);
    }
    return n;
}

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static void all_bytes_are_told_apart(void **state)
{
    assert_int_equal(members_of(ascii_is_space, STR(" \t\n\v\f\r")), 6);
    assert_int_equal(members_of(ascii_is_digit, STR(DIGITS)), 10);
    assert_int_equal(members_of(ascii_is_letter, STR(LETTERS)), 52);
    assert_int_equal(members_of(ascii_is_alnum, STR(LETTERS DIGITS)), 62);
    assert_int_equal(members_of(ascii_is_word, STR(LETTERS DIGITS "_")), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_bytes_are_told_apart),
    };
    return tap_run(tests, NULL, NULL);
}
