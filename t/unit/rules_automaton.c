#include "t/unit/rules_patterns.h"
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "rules/match/automaton.h"

#define POOL_MAX (32 * 1024 * 1024)
#define ROUNDS   2000

static struct pool *pool, *work;
static struct automaton_states *states;

static int begin(void **state)
{
    struct err err = {""};
    pool = pool_new(POOL_MAX);
    work = pool_new(POOL_MAX);
    states = automaton_states_new(1, &err);
    return pool && work && states ? 0 : -1;
}

static int end(void **state)
{
    pool_free(&pool);
    pool_free(&work);
    automaton_states_free(&states);
    return 0;
}

static struct automaton *make(struct str pattern, struct regex_literal *literal)
{
    struct err err = {""};
    pool_reset(work);
    automaton_states_free(&states);
    states = automaton_states_new(1, &err);
    assert_non_null(states);
    if (regex_literal_parse(pattern, literal, &err) < 0)
        fail_msg("%.*s: %s", STR_ARG(pattern), err.text);
    struct tree *tree = tree_read(work, literal);
    return tree ? automaton_new(pool, work, tree, 0) : NULL;
}

static bool may(const char *pattern, const char *text)
{
    struct regex_literal literal;
    size_t from = 0;
    struct automaton *automaton = make(str_of(pattern), &literal);
    assert_non_null(automaton);
    return automaton_may_match(automaton, states, 0, str_of(text), &from, STR_NONE);
}

static void says_no_where_nothing_can_match(void **state)
{
    assert_true(may("/\\bfoo\\s(?:bar|baz)\\b/i", "a FOO baz"));
    assert_false(may("/\\bfoo\\s(?:bar|baz)\\b/i", "a foo bax"));
    assert_false(may("/\\bfoo/", "afoo"));
    assert_true(may("/\\bfoo/", "-foo"));
    assert_false(may("/^foo/m", "a foo"));
    assert_true(may("/^foo/m", "a\nfoo"));
    assert_false(may("/a.*b.*c/", "a xx c yy b"));
    assert_true(may("/a.*b.*c/", "a xx b yy c"));
    assert_false(may("/(?:ab\\s?){4}/", "ab ab ab"));
    assert_true(may("/(?:ab\\s?){4}/", "ab ab abab"));
    assert_false(may("/[a-z]{8,}-/", "seven: abcdefg-"));
    assert_false(may("/ab\\b(?:c|-d)/", "abc"));
    assert_true(may("/ab\\b(?:c|-d)/", "ab-d"));
    assert_false(may("/x/", ""));
}

static void has_none_where_it_could_only_say_yes(void **state)
{
    struct regex_literal literal;
    assert_null(make(STR("/a*/"), &literal));
    assert_null(make(STR("/(?:a|)/"), &literal));
    assert_null(make(STR("/(?=a)/"), &literal));
    assert_null(make(STR("/(a)?(?(1)b|c)/"), &literal));
    assert_null(make(STR("/\\R?/"), &literal));
}

static void tells_how_late_a_match_may_begin(void **state)
{
    struct regex_literal literal;
    struct automaton *automaton = make(STR("/ab+c/"), &literal);
    size_t from = 0;
    assert_true(automaton_may_match(automaton, states, 0, STR("abb abx abbc"), &from, STR_NONE));
    assert_int_equal(from, 8);
    from = 2;
    assert_false(automaton_may_match(automaton, states, 0, STR("abb abx abbc"), &from, 7));
    from = 8;
    assert_true(automaton_may_match(automaton, states, 0, STR("abb abx abbc"), &from, 8));
    from = 13;
    assert_false(automaton_may_match(automaton, states, 0, STR("abb abx abbc"), &from, 99));
}

/* Each place by itself, and all of them at once. */
static void check_text(const char *pattern, const struct automaton *automaton,
                       const struct regex *regex, struct regex_runner *runner, struct str text,
                       unsigned *found)
{
    struct regex_match match;
    size_t first = 0;
    for (size_t at = 0; at <= text.n; at++) {
        size_t from = at;
        bool maybe = automaton_may_match(automaton, states, 0, text, &from, at);
        if (regex_search(regex, runner, text, at, at, &match) != REGEX_YES)
            continue;
        if (!maybe || from != at)
            fail_msg("%s: missed at %zu in '%.*s'", pattern, at, STR_ARG(text));
        ++*found;
    }
    bool maybe = automaton_may_match(automaton, states, 0, text, &first, STR_NONE);
    if (regex_search(regex, runner, text, 0, STR_NONE, &match) == REGEX_YES &&
        (!maybe || first > match.from))
        fail_msg("%s: missed at %zu in '%.*s'", pattern, match.from, STR_ARG(text));
}

static void no_match_is_ever_missed(void **state)
{
    struct err err = {""};
    struct regex_runner *runner = regex_runner_new(&err);
    unsigned seed = 1, found = 0;
    assert_non_null(runner);
    for (size_t i = 0; i < PATTERNS_N; i++) {
        struct regex_literal literal;
        struct automaton *automaton = make(str_of(patterns[i]), &literal);
        struct regex *regex = regex_new(&literal, &err);
        if (regex == NULL || automaton == NULL)
            fail_msg("%s: %s", patterns[i], err.text);
        for (unsigned round = 0; round < ROUNDS; round++) {
            char bytes[PATTERNS_TEXT_MAX];
            check_text(patterns[i], automaton, regex, runner, patterns_text(&seed, bytes), &found);
        }
        regex_free(&regex);
    }
    regex_runner_free(&runner);
    assert_true(found > 20000);
}

/* More states than are kept: it begins anew with them, and misses nothing. */
static void many_states_are_forgotten(void **state)
{
    static char bytes[4096];
    struct regex_literal literal;
    struct automaton *automaton = make(STR("/a[ab]{20}-/"), &literal);
    unsigned seed = 1;
    assert_non_null(automaton);
    for (unsigned round = 0; round < 200; round++) {
        size_t from = 0, at = 2000 + round;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = "ab"[rand_r(&seed) % 2];
        bytes[at] = 'a';
        bytes[at + 21] = '-';
        assert_true(
            automaton_may_match(automaton, states, 0, str_n(bytes, sizeof bytes), &from, STR_NONE));
        assert_true(from <= at);
    }
}

/* What of a pattern there is no room for is left out: it may say yes too often. */
static void huge_patterns_are_cut(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    struct regex_literal literal;
    size_t from = 0;
    buf_add(&text, STR("/begin(?:"));
    for (int i = 0; i < 3000; i++)
        buf_addf(&text, "%sword%04d", i ? "|" : "", i);
    buf_add(&text, STR(")behind/"));
    struct automaton *automaton = make(buf_str(&text), &literal);
    if (automaton) {
        assert_true(
            automaton_may_match(automaton, states, 0, STR("beginword2999behind"), &from, 0));
        from = 0;
        assert_false(automaton_may_match(automaton, states, 0, STR("begun"), &from, 0));
    }
    buf_clear(&text);
    buf_add(&text, STR("/"));
    for (int i = 0; i < 5000; i++)
        buf_addf(&text, "[%c%c]x", 'a' + i % 26, '0' + i % 10);
    buf_add(&text, STR("/"));
    automaton = make(buf_str(&text), &literal);
    assert_non_null(automaton);
    from = 0;
    assert_false(automaton_may_match(automaton, states, 0, STR("ax1xcx3xdxex"), &from, STR_NONE));
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(says_no_where_nothing_can_match, begin, end),
        cmocka_unit_test_setup_teardown(has_none_where_it_could_only_say_yes, begin, end),
        cmocka_unit_test_setup_teardown(tells_how_late_a_match_may_begin, begin, end),
        cmocka_unit_test_setup_teardown(no_match_is_ever_missed, begin, end),
        cmocka_unit_test_setup_teardown(many_states_are_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(huge_patterns_are_cut, begin, end),
    };
    return tap_run(tests, NULL, NULL);
}
