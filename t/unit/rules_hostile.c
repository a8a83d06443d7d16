/* patterns of the kinds that published rules have, on texts made to make them slow */
#include "t/unit/tap.h"

#include <stdlib.h>
#include <time.h>

#include "rules/match/regex.h"

#define TEXT_SIZE   (32 * 1024)
#define SECONDS_MAX 5.0 /* far above what is needed; a pattern without limits takes for ever */

static const char *const patterns[] = {
    "/(a+)+$/",
    "/(?:a|aa)+b/",
    "/^(?:\\s*\\w+\\s*)+!/m",
    "/(?:[a-z]{8,}[\\s\\.]+){6}/",
    "/<(?:[^>]*\\s)*style=(?:[^>]*;)*display:none/i",
    "/(?:=[0-9a-f]{2}\\s*)+=$/i",
    "/(.*)\\1\\1/s",
    "/(?:(?:x\\s?)*y?)*z/",
    "/\\b(?:\\w+\\W+){1,30}?invoice/",
};

static void fill(char *text, const char *unit)
{
    size_t n = strlen(unit);
    for (size_t i = 0; i < TEXT_SIZE; i++)
        text[i] = unit[i % n];
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Each is over soon: with an answer, or with "limit", never hanging. */
static void no_pattern_takes_for_ever(void **state)
{
    static const char *const units[] = {"a", " ", "aaaaaaaaa ", "=3D", "< ", "x ", ".", "a\n"};
    char *text = malloc(TEXT_SIZE);
    struct err err = {""};
    struct regex_runner *runner = regex_runner_new(&err);
    assert_non_null(text);
    assert_non_null(runner);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct regex_literal literal;
        assert_int_equal(regex_literal_parse(str_of(patterns[i]), &literal, &err), 0);
        struct regex *regex = regex_new(&literal, &err);
        assert_non_null(regex);
        for (size_t j = 0; j < sizeof units / sizeof *units; j++) {
            struct regex_match match;
            fill(text, units[j]);
            double start = seconds();
            regex_runner_start(runner, 300);
            regex_search(regex, runner, str_n(text, TEXT_SIZE), 0, STR_NONE, &match);
            if (seconds() - start > SECONDS_MAX)
                fail_msg("%s on '%s': %.1f s", patterns[i], units[j], seconds() - start);
        }
        regex_free(&regex);
    }
    regex_runner_free(&runner);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_pattern_takes_for_ever)};
    return tap_run(tests, NULL, NULL);
}
