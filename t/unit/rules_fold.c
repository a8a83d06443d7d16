/* patterns written anew: Perl's dialect, and groups written once */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "rules/match/dialect.h"
#include "rules/match/fold.h"
#include "rules/match/regex.h"

#define OUT_MAX (1024 * 1024)

static void check_dialect(const char *perl, const char *expected)
{
    struct buf out = BUF_INIT(OUT_MAX);
    dialect_translate(str_of(perl), &out);
    if (!buf_ok(&out) || strcmp(buf_cstr(&out), expected) != 0)
        fail_msg("%s: '%s', not '%s'", perl, buf_cstr(&out), expected);
    buf_release(&out);
}

static void perl_becomes_pcre2(void **state)
{
    check_dialect("(?aa)(?i)a", "(?)(?i)a");
    check_dialect("(?^aai:a)(?u-s:b)", "(?^i:a)(?-s:b)");
    check_dialect("a{,3}b{2,}c{,}", "a{0,3}b{2,}c{,}");
    check_dialect("\\(?aa\\{,3}[(?a{,3}]", "\\(?aa\\{,3}[(?a{,3}]");
    check_dialect("[]{,2}][^]{,2}][[:alpha:]{,2}]", "[]{,2}][^]{,2}][[:alpha:]{,2}]");
    check_dialect("(?<name>a)(?=b)(?P=name)\\", "(?<name>a)(?=b)(?P=name)\\");
    check_dialect("a$?[b$?]\\$?^{1,}c", "a(?:$)?[b$?]\\$?(?:^){1,}c");
    check_dialect("\\b+\\w+\\z{,2}^{x}$", "(?:\\b)+\\w+(?:\\z){0,2}^{x}$");
    check_dialect("\\Q$?\\E$?(?# ^* )(?:$)?", "\\Q$?\\E(?:$)?(?# ^* )(?:$)?");
    check_dialect("$", "$");
    check_dialect("[", "[");
    check_dialect("(?", "(?");
}

/* Does it fold, and is it shorter? */
static bool folds(const char *pattern)
{
    struct buf out = BUF_INIT(OUT_MAX);
    bool folded = fold_groups(str_of(pattern), &out);
    buf_release(&out);
    return folded;
}

#define LETTER "(?:[aA4]|\\xc3[\\xa0-\\xa5]|&#(?:97|224|225);)"

static void only_what_may_be_moved_is_folded(void **state)
{
    assert_true(folds("x" LETTER "y" LETTER));
    assert_true(folds("(?i)x" LETTER "|" LETTER "[)(]\\)"));
    assert_true(folds("(?!" LETTER ")" LETTER));
    assert_false(folds("x" LETTER));
    assert_false(folds("(?:a)(?:a)"));
    assert_true(folds("(x)" LETTER LETTER));
    assert_true(folds(LETTER "{2,5}"));
    assert_false(folds(LETTER "{x"));
    assert_false(folds("(?<n>x)" LETTER LETTER));
    assert_false(folds(LETTER LETTER "(?i)a"));
    assert_false(folds(LETTER LETTER "\\1"));
    assert_false(folds("(?|" LETTER LETTER ")"));
    assert_false(folds(LETTER LETTER ")"));
    assert_false(folds("(" LETTER LETTER));
    assert_false(folds(""));
}

static struct regex *make(struct str pattern, uint32_t options)
{
    struct regex_literal literal = {.pattern = pattern, .options = options};
    struct err err = {""};
    struct regex *regex = regex_new(&literal, &err);
    if (regex == NULL)
        fail_msg("%.*s: %s", STR_ARG(str_sub(pattern, 0, 200)), err.text);
    return regex;
}

/* The folded pattern finds the same as the pattern itself in texts that are nearly like it. */
static void folded_matches_the_same(void **state)
{
    static const char pattern[] =
        "(?i)\\b(?:x|" LETTER ")+(?:b(?!" LETTER "4)|" LETTER "{1,2}c)?" LETTER "+?$|^" LETTER "d";
    static const char *const bits[] = {"a", "A",  "4",    "\xc3\xa1", "\xc3\xa6", "&#97;", "&#224;",
                                       "b", "Bc", "&#9;", "x",        " ",        "d",     "\n"};
    struct buf folded = BUF_INIT(OUT_MAX);
    struct err err = {""};
    unsigned seed = 5, found = 0;
    assert_true(fold_groups(str_of(pattern), &folded));
    struct regex *plain = make(str_of(pattern), 0), *other = make(buf_str(&folded), 0);
    struct regex_runner *runner = regex_runner_new(&err);
    for (unsigned round = 0; round < 20000; round++) {
        char text[80];
        struct buf buf = BUF_OVER(text);
        for (int n = rand_r(&seed) % 12; n > 0; n--)
            buf_add(&buf, str_of(bits[(size_t)rand_r(&seed) % (sizeof bits / sizeof *bits)]));
        struct regex_match a = {0, 0}, b = {0, 0};
        enum regex_result x = regex_search(plain, runner, buf_str(&buf), 0, STR_NONE, &a);
        enum regex_result y = regex_search(other, runner, buf_str(&buf), 0, STR_NONE, &b);
        if (x != y || a.from != b.from || a.to != b.to)
            fail_msg("'%.*s': %d %d", STR_ARG(buf_str(&buf)), x, y);
        found += x == REGEX_YES;
    }
    assert_true(found > 1000);
    regex_runner_free(&runner);
    regex_free(&plain);
    regex_free(&other);
    buf_release(&folded);
}

/* As "<M><Y> <M><A><L>…" becomes: PCRE2 refuses it as it stands. */
static void giants_are_compiled(void **state)
{
    struct buf giant = BUF_INIT(OUT_MAX);
    struct err err = {""};
    struct regex_match match;
    buf_add(&giant, STR("(?aa)(?i)(?:^|\\s)(?:"));
    for (int i = 0; i < 4000; i++)
        buf_addf(&giant, "%s" LETTER "%c%c" LETTER, i ? "|" : "", 'b' + i % 25, 'b' + i / 25 % 25);
    buf_addc(&giant, ')');
    assert_true(giant.n > 300000);
    struct regex *regex = make(buf_str(&giant), 0);
    struct regex_runner *runner = regex_runner_new(&err);
    assert_int_equal(regex_search(regex, runner, STR("no \xc3\xa1zz&#225; no"), 0, STR_NONE,
                                  &match),
                     REGEX_YES);
    assert_int_equal(match.from, 2);
    assert_int_equal(regex_search(regex, runner, STR("no \xc3\xa1zaz&#225; no"), 0, STR_NONE,
                                  &match),
                     REGEX_NO);
    regex_runner_free(&runner);
    regex_free(&regex);
    buf_release(&giant);
}

/* The time for a pattern's bytes must not grow faster than they do. */
static void long_patterns_are_read_in_passing(void **state)
{
    struct buf text = BUF_INIT(OUT_MAX), out = BUF_INIT(4 * OUT_MAX);
    for (int i = 0; i < 40000; i++)
        buf_add(&text, STR("[a(?:{[:{,"));
    dialect_translate(buf_str(&text), &out);
    assert_int_equal(out.n, text.n);
    buf_clear(&out);
    assert_false(fold_groups(buf_str(&text), &out));
    buf_release(&text);
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perl_becomes_pcre2),
        cmocka_unit_test(only_what_may_be_moved_is_folded),
        cmocka_unit_test(folded_matches_the_same),
        cmocka_unit_test(giants_are_compiled),
        cmocka_unit_test(long_patterns_are_read_in_passing),
    };
    return tap_run(tests, NULL, NULL);
}
