#include "t/unit/tap.h"

#include <stdlib.h>

#include "rules/match/regex.h"

static struct regex *make(const char *text, struct err *err)
{
    struct regex_literal literal;
    if (regex_literal_parse(str_of(text), &literal, err) < 0)
        return NULL;
    return regex_new(&literal, err);
}

static enum regex_result search(const char *pattern, struct str text, struct regex_match *match)
{
    struct err err = {""};
    struct regex *regex = make(pattern, &err);
    struct regex_runner *runner = regex_runner_new(&err);
    if (regex == NULL)
        fail_msg("%s: %s", pattern, err.text);
    assert_non_null(runner);
    enum regex_result result = regex_search(regex, runner, text, 0, STR_NONE, match);
    regex_runner_free(&runner);
    regex_free(&regex);
    return result;
}

static bool matches(const char *pattern, struct str text)
{
    struct regex_match match;
    return search(pattern, text, &match) == REGEX_YES;
}

static void reads_perls_delimiters(void **state)
{
    assert_true(matches("/a\\/b/", STR("xa/bx")));
    assert_true(matches("m{a/b}i", STR("A/B")));
    assert_true(matches("m!https?://!", STR("http://")));
    assert_true(matches("m'it\\'s'", STR("it's")));
    assert_true(matches("m{x{2}}", STR("xx")));
    assert_true(matches("m<a(?=b)>", STR("ab")));
    assert_true(matches("qr/Ab/", STR("Ab")));
    assert_false(matches("/Ab/", STR("ab")));
    assert_true(matches("/a.b/so", STR("a\nb")));
    assert_true(matches("/^b/m", STR("a\nb")));
    assert_true(matches("/a b  # \\/ comment/x", STR("ab")));
}

static void refuses_bad_literals(void **state)
{
    static const char *const bad[] = {
        "",       "abc",  "/abc",  "//",        "/a/b/",     "/a/z",
        "m abc ", "mxax", "/(/",   "/a{3,2}/",  "/(?{1})/",  "/[z-a]/",
        "m\\a\\", "/a/e", "/\\C/", "/(*UTF)a/", "/(*UCP)a/", "/\\x{100}/",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = {""};
        struct regex *regex = make(bad[i], &err);
        if (regex)
            fail_msg("'%s' was taken", bad[i]);
        assert_true(err.text[0] != '\0');
    }
}

static void matches_bytes(void **state)
{
    assert_true(matches("/caf\xC3\xA9/", STR("un caf\xC3\xA9 noir")));
    assert_true(matches("/\\xC3\\xA9/", STR("\xC3\xA9")));
    assert_true(matches("/^.{2}$/", STR("\xC3\xA9"))); /* two bytes */
    assert_false(matches("/\xC3\xA9/i", STR("\xC3\x89")));
    assert_true(matches("/\\x00b/", STR("a\0b")));
}

static void gives_the_place(void **state)
{
    struct regex_match match;
    assert_int_equal(search("/b+/", STR("aabbb"), &match), REGEX_YES);
    assert_int_equal(match.from, 2);
    assert_int_equal(match.to, 5);
}

static void finds_behind_many_windows(void **state)
{
    size_t n = 10 * REGEX_WINDOW;
    char *text = malloc(n);
    struct regex_match match;
    memset(text, 'a', n);
    /* around the last start position of a window, and at the very end */
    const size_t places[] = {
        0, REGEX_WINDOW - 1, REGEX_WINDOW, REGEX_WINDOW + 1, 2 * REGEX_WINDOW + 1, n - 2};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        memcpy(text + places[i], "xy", 2);
        assert_int_equal(search("/(?<!z)xy/", str_n(text, n), &match), REGEX_YES);
        assert_int_equal(match.from, places[i]);
        memcpy(text + places[i], "aa", 2);
    }
    assert_int_equal(search("/xy/", str_n(text, n), &match), REGEX_NO);
    free(text);
}

static void begins_where_it_may(void **state)
{
    struct err err = {""};
    struct regex_match match;
    struct regex *regex = make("/a/", &err);
    struct regex_runner *runner = regex_runner_new(&err);
    assert_int_equal(regex_search(regex, runner, STR("xxaxa"), 0, 1, &match), REGEX_NO);
    assert_int_equal(regex_search(regex, runner, STR("xxaxa"), 0, 2, &match), REGEX_YES);
    assert_int_equal(regex_search(regex, runner, STR("xxaxa"), 3, 9, &match), REGEX_YES);
    assert_int_equal(match.from, 4);
    assert_int_equal(regex_search(regex, runner, STR("xxaxa"), 3, 2, &match), REGEX_NO);
    assert_int_equal(regex_search(regex, runner, STR(""), 0, STR_NONE, &match), REGEX_NO);
    regex_runner_free(&runner);
    regex_free(&regex);
}

static void limits_are_not_no_match(void **state)
{
    struct regex_match match;
    char text[64];
    memset(text, 'a', sizeof text);
    assert_int_equal(search("/^(a+)+$/", STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &match),
                     REGEX_LIMIT);
    assert_int_equal(search("/^(?:(a|ab)(?1)?)+$/", str_n(text, sizeof text), &match), REGEX_YES);
}

/* Each start position runs to the end of the text: only the clock ends it. */
static void slow_patterns_come_to_an_end(void **state)
{
    size_t n = 4 << 20;
    char *text = malloc(n);
    struct err err = {""};
    struct regex_match match;
    struct regex *regex = make("/<[^>]*foo/", &err);
    struct regex_runner *runner = regex_runner_new(&err);
    memset(text, '<', n);
    regex_runner_start(runner, 20);
    assert_int_equal(regex_search(regex, runner, str_n(text, n), 0, STR_NONE, &match), REGEX_LIMIT);
    assert_true(regex_runner_late(runner));
    regex_runner_free(&runner);
    regex_free(&regex);
    free(text);
}

static void knows_local_patterns(void **state)
{
    static const char *const local[] = {
        "/abc/i",          "/a[^]\\]]b\\$/", "/\\bfoo (?:bar|baz){2,3}/", "/^a$/m", "/(a)(?i)b/",
        "/a.*?b\\\\\\^/s", "/[[:alpha:]^]x/"};
    static const char *const other[] = {"/^a/",      "/a$/",     "/a(?!b)/",  "/(?<!a)b/",
                                        "/(?>a)b/",  "/a++b/",   "/a*+/",     "/\\Aa/",
                                        "/a\\z/",    "/(a)\\1/", "/(?|a|b)/", "/(*F)a/",
                                        "/a{2}+b/x", "/a\\Rb/",  "/(?m)^a/",  "/a b/x",
                                        "/\\Ga/",    "/(?#x)a/"};
    struct err err = {""};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        struct regex *regex = make(local[i], &err);
        assert_non_null(regex);
        if (!regex_is_local(regex))
            fail_msg("%s", local[i]);
        regex_free(&regex);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct regex *regex = make(other[i], &err);
        assert_non_null(regex);
        if (regex_is_local(regex))
            fail_msg("%s", other[i]);
        regex_free(&regex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_perls_delimiters),
        cmocka_unit_test(refuses_bad_literals),
        cmocka_unit_test(matches_bytes),
        cmocka_unit_test(gives_the_place),
        cmocka_unit_test(finds_behind_many_windows),
        cmocka_unit_test(begins_where_it_may),
        cmocka_unit_test(limits_are_not_no_match),
        cmocka_unit_test(slow_patterns_come_to_an_end),
        cmocka_unit_test(knows_local_patterns),
    };
    return tap_run(tests, NULL, NULL);
}
