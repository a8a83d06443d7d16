/* the words of patterns, and the search for them */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "base/buf.h"
#include "rules/match/literals.h"
#include "rules/match/words.h"

static void check_words(const char *pattern, const char *expected)
{
    struct pool *pool = pool_new(8 << 20);
    struct regex_literal literal;
    struct err err = {""};
    struct buf got = BUF_INIT(64 * 1024);
    if (regex_literal_parse(str_of(pattern), &literal, &err) < 0)
        fail_msg("%s: %s", pattern, err.text);
    struct literals words = literals_of(pool, &literal);
    for (size_t i = 0; i < words.n; i++)
        buf_addf(&got, "%s%.*s", i ? "," : "", STR_ARG(words.list[i]));
    if (strcmp(buf_cstr(&got), expected) != 0)
        fail_msg("%s: '%s', not '%s'", pattern, buf_cstr(&got), expected);
    buf_release(&got);
    pool_free(&pool);
}

static void finds_the_words_of_a_pattern(void **state)
{
    check_words("/viagra/", "viagra");
    check_words("/Viagra/", "viagra");
    check_words("/\\bfree (?:money|gifts?)\\b/i", "free money,free gift");
    check_words("/colou?r/", "colour,color");
    check_words("/a.*needle/", "needle");
    check_words("/needle[a-z]{3}hay/", "needle");
    check_words("/(?:wor){2,}d/", "wor");
    check_words("/x+yz\\.com/", "yz.com");
    check_words("/[ab]cd/", "acd,bcd");
    check_words("/(?=nothing)some(?!thing)(?<!any)how/", "somehow");
    check_words("/\\x41bc|def/", "abc,def");
    check_words("/(?i)(?<name>word)(?i:s)/", "words");
    check_words("/^From: \\S+ word$/m", "from: ");
    check_words("/^\\S+ word$/m", " word");
    check_words("/a{,3}bcd/", "bcd");
}

static void check_before(const char *pattern, size_t expected)
{
    struct pool *pool = pool_new(8 << 20);
    struct regex_literal literal;
    assert_int_equal(regex_literal_parse(str_of(pattern), &literal, NULL), 0);
    struct literals words = literals_of(pool, &literal);
    if (words.n == 0 || words.before != expected)
        fail_msg("%s: %zu", pattern, words.before);
    pool_free(&pool);
}

static void knows_how_far_words_stand(void **state)
{
    check_before("/viagra/", 0);
    check_before("/\\b(?:viagra|cialis)\\b/", 0);
    check_before("/\\d{1,3} ?viagra/", 4);
    check_before("/\\d{1,3}[a-z] ?viagra/", 5);
    check_before("/\\d+viagra/", STR_NONE);
    check_before("/.{0,50}viagra/", 50);
    check_before("/.{0,200}viagra/", STR_NONE);
    check_before("/(?:\\dx|\\d{7}y)viagra/", 8);
    check_before("/(?:a\\d)?viagra/", 2);
    check_before("/(?<=\\d\\d)viagra/", 0);
    check_before("/(?:x\\dviagra){2,3}/", 2);
    check_before("/(?:superviagra|viagra)/", 5);
}

static void says_nothing_when_not_sure(void **state)
{
    static const char *const patterns[] = {
        "/ab/",
        "/a|viagra/",
        "/(?:viagra)?/",
        "/(?:viagra)*/",
        "/viagra|\\d+/",
        "/(a)\\1viagra/",
        "/(?(1)viagra)/",
        "/\\Qviagra\\E/",
        "/vi ag ra/x",
        "/(?x) viagra/",
        "/viagra|/",
        "/(?R)?viagra/",
        "/viagra(?#x)/",
        "/\\x{76}iagra/",
        "/[[:alpha:]]viagra/",
        "/viagra{0}/",
        "/(*ACCEPT)viagra/",
        "/\\12viagra/",
        "/(viagra|){1,2}/",
        "/\\pLviagra/",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        if (strcmp(patterns[i], "/viagra{0}/") == 0)
            check_words(patterns[i], "viagr");
        else
            check_words(patterns[i], "");
    }
}

static void huge_patterns_are_bounded(void **state)
{
    struct buf text = BUF_INIT(1 << 20);
    buf_add(&text, STR("/"));
    for (int i = 0; i < 3000; i++)
        buf_add(&text, STR("(?:a|b|c)"));
    buf_add(&text, STR("/"));
    struct pool *pool = pool_new(8 << 20);
    struct regex_literal literal;
    assert_int_equal(regex_literal_parse(buf_str(&text), &literal, NULL), 0);
    assert_true(literals_of(pool, &literal).n <= LITERALS_MAX);
    buf_clear(&text);
    buf_add(&text, STR("/"));
    for (int i = 0; i < 5000; i++)
        buf_add(&text, STR("("));
    buf_add(&text, STR("abc/"));
    assert_int_equal(regex_literal_parse(buf_str(&text), &literal, NULL), 0);
    assert_int_equal(literals_of(pool, &literal).n, 0);
    pool_free(&pool);
    buf_release(&text);
}

struct found {
    uint32_t number[64];
    size_t at[64];
    size_t n, most;
};

static bool note(void *data, uint32_t number, size_t at)
{
    struct found *found = data;
    found->number[found->n] = number;
    found->at[found->n++] = at;
    return found->n < found->most;
}

static void searches_for_many_words(void **state)
{
    struct pool *pool = pool_new(8 << 20);
    struct words *words = words_new(pool, 4);
    struct found found = {.most = 64};
    assert_true(words_add(words, pool, STR("abc"), 1));
    assert_true(words_add(words, pool, STR("abcd"), 2));
    assert_true(words_add(words, pool, STR("abcd"), 3));
    assert_true(words_add(words, pool, STR("end"), 4));
    assert_true(words_add(words, pool, STR("endless"), 5));
    words_search(words, STR("xABCD abd end"), note, &found);
    assert_int_equal(found.n, 4);
    assert_int_equal(found.number[0], 1);
    assert_int_equal(found.at[0], 1);
    assert_int_equal(found.number[1] + found.number[2], 5);
    assert_int_equal(found.number[3], 4);
    assert_int_equal(found.at[3], 10);
    found = (struct found){.most = 2};
    words_search(words, STR("abcd abcd"), note, &found);
    assert_int_equal(found.n, 2);
    found = (struct found){.most = 64};
    words_search(words, STR(""), note, &found);
    words_search(words, STR("en"), note, &found);
    assert_int_equal(found.n, 0);
    pool_free(&pool);
}

static void finds_words_at_every_place(void **state)
{
    struct pool *pool = pool_new(8 << 20);
    struct words *words = words_new(pool, 4);
    const struct str longest = STR("abcdefghijklmnopqrstuvwxyz123456");
    char text[10000];
    assert_int_equal(longest.n, WORDS_BYTES_MAX);
    assert_true(words_add(words, pool, longest, 7));
    assert_true(words_add(words, pool, STR("xyz"), 8));
    for (size_t at = 4000; at < 4200; at++) {
        struct found found = {.most = 64};
        memset(text, '.', sizeof text);
        memcpy(text + at, longest.s, longest.n);
        words_search(words, str_n(text, sizeof text), note, &found);
        assert_int_equal(found.n, 2);
        assert_int_equal(found.at[0], at);
        assert_int_equal(found.at[1], at + 23);
    }
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_words_of_a_pattern),
        cmocka_unit_test(knows_how_far_words_stand),
        cmocka_unit_test(says_nothing_when_not_sure),
        cmocka_unit_test(huge_patterns_are_bounded),
        cmocka_unit_test(searches_for_many_words),
        cmocka_unit_test(finds_words_at_every_place),
    };
    return tap_run(tests, NULL, NULL);
}
