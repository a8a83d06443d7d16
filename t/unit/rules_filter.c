#include "t/unit/rules_patterns.h"
#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/match/filter.h"

#define POOL_MAX (32 * 1024 * 1024)
#define ROUNDS   3000

static struct pool *pool, *work;

static int begin(void **state)
{
    pool = pool_new(POOL_MAX);
    work = pool_new(POOL_MAX);
    return pool && work ? 0 : -1;
}

static int end(void **state)
{
    pool_free(&pool);
    pool_free(&work);
    return 0;
}

/* Where the filter says that a match may be. */
struct places {
    size_t from[2 * PATTERNS_TEXT_MAX], to[2 * PATTERNS_TEXT_MAX];
    size_t n;
    size_t before;
};

static bool note(void *data, uint32_t number, size_t at)
{
    struct places *places = data;
    bool near = places->before != STR_NONE;
    assert_int_equal(number, 7);
    assert_true(places->n < 2 * PATTERNS_TEXT_MAX);
    places->from[places->n] = near && at > places->before ? at - places->before : 0;
    places->to[places->n++] = near ? at : STR_NONE;
    return true;
}

static void search(const char *literal_text, struct filter *filter, struct str text,
                   struct places *places)
{
    struct regex_literal literal;
    struct err err = {""};
    assert_int_equal(regex_literal_parse(str_of(literal_text), &literal, &err), 0);
    filter_of(pool, work, &literal, true, filter);
    places->n = 0;
    places->before = filter->before;
    struct filters *filters = filters_new(pool, &(struct filters_entry){filter, 7}, 1);
    assert_non_null(filters);
    filters_search(filters, text, note, places);
}

static bool maybe(const char *pattern, const char *text)
{
    struct filter filter;
    struct places places;
    search(pattern, &filter, str_of(text), &places);
    assert_false(filter_is_none(&filter));
    return places.n > 0;
}

static bool has_filter(const char *pattern)
{
    struct regex_literal literal;
    struct filter filter;
    struct err err = {""};
    assert_int_equal(regex_literal_parse(str_of(pattern), &literal, &err), 0);
    filter_of(pool, work, &literal, true, &filter);
    return !filter_is_none(&filter);
}

static void letters_written_in_many_ways(void **state)
{
    const char *drug = "/(?:\\b|\\s)[_\\W]{0,3}v[_\\W]?[i1!|l\\xEC-\\xEF][_\\W]?[a4\\xE0-\\xE6@]"
                       "[_\\W]?g[_\\W]?r[_\\W]?[a4@]/i";
    assert_true(maybe(drug, "buy V-1-a g r 4 now"));
    assert_true(maybe(drug, "v\xec\xe0gra"));
    assert_false(maybe(drug, "a very ordinary sentence of a mail"));
    assert_true(maybe("/\\b[13][a-km-z]{9}\\b/", "to 1abcdefghk."));
    assert_false(maybe("/\\b[13][a-km-z]{9}\\b/", "to 21abcdefghk."));
    assert_true(maybe("/^\\d\\d\\d\\./", "123. x"));
    assert_true(maybe("/^\\d\\d\\d\\./", "x\n123. x"));
    assert_false(maybe("/^\\d\\d\\d\\./", "x 123. x"));
}

static void a_match_may_end_in_the_window_and_with_the_text(void **state)
{
    assert_true(maybe("/[zx]\\d?\\d?/", "maz"));
    assert_true(maybe("/[zx]\\d\\d?/", "z1"));
    assert_false(maybe("/[zx]\\d\\d?/", "maz"));
    assert_true(maybe("/\\d\\d\\.\\d\\d/", "11.22"));
    assert_false(maybe("/\\d\\d\\.\\d\\d/", "11.2"));
}

/* 0x85 is a blank there, of a pattern's bytes as of its letters; so are comments. */
static void blanks_of_extended_patterns_match_nothing(void **state)
{
    assert_true(maybe("/\\d\\d-\x85"
                      "\\d\\d # \xc3\x85/x",
                      "12-34"));
    assert_true(maybe("/\\d\\d(?#two)?-\\d\\d/", "1-23"));
    assert_false(maybe("/\\d\\d-\x85"
                       "\\d\\d/",
                       "12-34"));
}

static void what_is_not_understood_is_not_filtered(void **state)
{
    assert_false(has_filter("/(a)?(?(1)b|c)\\d/"));
    assert_false(has_filter("/[^a]/"));
    assert_false(has_filter("/\\S/"));
    assert_false(has_filter("/(?:\\d\\d\\d|)/"));
    assert_false(has_filter("/\\p{Lu}\\d\\d/"));
    assert_false(has_filter("/(\\d)(?1)(?1)/"));
    assert_false(has_filter("/\\d*/"));
    assert_false(has_filter("/\\d\\d?(?#two)+-\\d\\d/"));
}

/* Is a match found that begins as near to one of the places as the filter says? */
static bool covers(const struct regex *regex, struct regex_runner *runner, struct str text,
                   const struct places *places)
{
    struct regex_match match;
    for (size_t i = 0; i < places->n; i++) {
        if (regex_search(regex, runner, text, places->from[i], places->to[i], &match) == REGEX_YES)
            return true;
    }
    return false;
}

/* How many of the texts had a match, which the pattern's filter must not have missed. */
static unsigned check_pattern(const char *pattern, struct regex_runner *runner, unsigned *seed)
{
    struct err err = {""};
    struct regex_literal literal;
    struct filter filter;
    unsigned found = 0;
    assert_int_equal(regex_literal_parse(str_of(pattern), &literal, &err), 0);
    struct regex *regex = regex_new(&literal, &err);
    assert_non_null(regex);
    filter_of(pool, work, &literal, true, &filter);
    struct filters *filters = filters_new(pool, &(struct filters_entry){&filter, 7}, 1);
    for (unsigned round = 0; round < ROUNDS && !filter_is_none(&filter); round++) {
        char bytes[PATTERNS_TEXT_MAX];
        struct str text = patterns_text(seed, bytes);
        struct places places = {.before = filter.before};
        struct regex_match match;
        if (regex_search(regex, runner, text, 0, STR_NONE, &match) != REGEX_YES)
            continue;
        found++;
        filters_search(filters, text, note, &places);
        if (!covers(regex, runner, text, &places))
            fail_msg("%s: missed at %zu in '%.*s'", pattern, match.from, STR_ARG(text));
    }
    regex_free(&regex);
    return found;
}

static void no_match_is_ever_missed(void **state)
{
    static const char *const without_automaton[] = {"/[ab]\\K\\d-/", "/\\Q[ab]\\E\\d/"};
    struct err err = {""};
    struct regex_runner *runner = regex_runner_new(&err);
    unsigned seed = 1, found = 0;
    assert_non_null(runner);
    for (size_t i = 0; i < PATTERNS_N; i++)
        found += check_pattern(patterns[i], runner, &seed);
    for (size_t i = 0; i < 2; i++)
        found += check_pattern(without_automaton[i], runner, &seed);
    regex_runner_free(&runner);
    assert_true(found > 10000);
}

/* Windows that lie on the border between two chunks of the search. */
static void long_texts_are_searched_to_the_end(void **state)
{
    static char bytes[20000];
    for (size_t at = 4080; at < 4110; at++) {
        struct filter filter;
        struct places places;
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes + at, " 12.34 ", 7);
        search("/\\s\\d\\d\\.\\d\\d\\s/", &filter, str_n(bytes, sizeof bytes), &places);
        assert_int_equal(places.n, 1);
        assert_true(places.from[0] <= at && at <= places.to[0]);
    }
}

static void many_outlines_at_once(void **state)
{
    enum { N = 260 };
    static struct filter filters[N];
    struct filters_entry list[N];
    for (unsigned i = 0; i < N; i++) {
        char pattern[40];
        struct regex_literal literal;
        struct err err = {""};
        snprintf(pattern, sizeof pattern, "/[ab]\\d{0}%c%c[yz]/", '0' + (char)(i / 26),
                 'a' + (char)(i % 26));
        assert_int_equal(regex_literal_parse(str_of(pattern), &literal, &err), 0);
        filter_of(pool, work, &literal, true, &filters[i]);
        list[i] = (struct filters_entry){&filters[i], i == N - 1 ? 7 : i + 1000};
    }
    struct filters *all = filters_new(pool, list, N);
    struct places places = {.before = STR_NONE};
    assert_non_null(all);
    filters_search(all, STR("mail b9zy"), note, &places);
    assert_int_equal(places.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(letters_written_in_many_ways, begin, end),
        cmocka_unit_test_setup_teardown(a_match_may_end_in_the_window_and_with_the_text, begin,
                                        end),
        cmocka_unit_test_setup_teardown(blanks_of_extended_patterns_match_nothing, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_understood_is_not_filtered, begin, end),
        cmocka_unit_test_setup_teardown(no_match_is_ever_missed, begin, end),
        cmocka_unit_test_setup_teardown(long_texts_are_searched_to_the_end, begin, end),
        cmocka_unit_test_setup_teardown(many_outlines_at_once, begin, end),
    };
    return tap_run(tests, NULL, NULL);
}
