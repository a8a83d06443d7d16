/* What stands between libclamav and its answer: the tree of files, and the parts it has seen. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "antivirus/clamav_seen.h"
#include "antivirus/clamav_watch.h"

#define LIMIT 1000000

static void notes_what_was_not_opened(void **state)
{
    struct clamav_watch watch;
    clamav_watch_start(&watch, LIMIT);
    clamav_watch_file(&watch, 0, "CL_TYPE_MAIL", 5000);
    clamav_watch_file(&watch, 1, "CL_TYPE_ZIP", 4000);
    clamav_watch_file(&watch, 2, "CL_TYPE_GZ", 3000);
    clamav_watch_file(&watch, 3, "CL_TYPE_TEXT_ASCII", 9000);
    clamav_watch_end(&watch);
    assert_string_equal(watch.note, "");
    clamav_watch_file(&watch, 0, "CL_TYPE_MAIL", 5000);
    clamav_watch_file(&watch, 1, "CL_TYPE_ZIP", 4000);
    clamav_watch_file(&watch, 1, "CL_TYPE_TEXT_ASCII", 100);
    clamav_watch_end(&watch);
    assert_string_equal(watch.note, "an archive (ZIP) that could not be opened");
}

static void the_last_file_counts_too(void **state)
{
    struct clamav_watch watch;
    clamav_watch_start(&watch, LIMIT);
    clamav_watch_file(&watch, 0, "CL_TYPE_RAR", 4000);
    assert_string_equal(watch.note, "");
    clamav_watch_end(&watch);
    assert_string_equal(watch.note, "an archive (RAR) that could not be opened");
    clamav_watch_start(&watch, LIMIT);
    clamav_watch_file(&watch, 0, "CL_TYPE_ZIP", CLAMAV_ARCHIVE_MIN - 1);
    clamav_watch_end(&watch);
    assert_string_equal(watch.note, "");
}

static void notes_what_was_cut(void **state)
{
    struct clamav_watch watch;
    clamav_watch_start(&watch, LIMIT);
    clamav_watch_file(&watch, 0, "CL_TYPE_ZIP", 4000);
    clamav_watch_file(&watch, 1, "CL_TYPE_BINARY_DATA", LIMIT);
    clamav_watch_end(&watch);
    assert_string_equal(watch.note, "an unpacked file larger than 1000000 bytes");
}

static void survives_any_depth(void **state)
{
    struct clamav_watch watch;
    clamav_watch_start(&watch, LIMIT);
    for (uint32_t i = 0; i < 3 * CLAMAV_DEPTH_MAX; i++)
        clamav_watch_file(&watch, i * 7919 % (2 * CLAMAV_DEPTH_MAX), "CL_TYPE_ZIP", 4000);
    clamav_watch_file(&watch, UINT32_MAX, "CL_TYPE_ZIP", 4000);
    clamav_watch_end(&watch);
    assert_true(watch.note[0] != 0);
}

static struct clamav_seen seen;

static void start(const struct av_part *parts, size_t n)
{
    const struct av_message message = {.parts = parts, .n_parts = n};
    clamav_seen_start(&seen, &message);
}

static void decoded_bytes_must_be_the_same(void **state)
{
    const struct av_part parts[] = {{.bytes = STR("one\r\n")},
                                    {.bytes = STR("two")},
                                    {.bytes = STR("two")},
                                    {.bytes = STR("six")}};
    start(parts, 4);
    clamav_seen_file(&seen, STR("one\n"));
    assert_false(clamav_seen_part(&seen, 0));
    clamav_seen_file(&seen, STR("one\r\n"));
    assert_true(clamav_seen_part(&seen, 0));
    clamav_seen_file(&seen, STR("two"));
    assert_true(clamav_seen_part(&seen, 1));
    assert_true(clamav_seen_part(&seen, 2));
    assert_false(clamav_seen_part(&seen, 3));
}

static void text_as_it_stands_may_lose_cr(void **state)
{
    const struct av_part parts[] = {
        {.bytes = STR("one\r\ntwo\r\n\r\n"), .as_it_stands = true},
        {.bytes = STR("MZ\0\r\n"), .as_it_stands = true},
        {.bytes = STR("\r\n"), .as_it_stands = true},
    };
    start(parts, 3);
    clamav_seen_file(&seen, STR("one\ntw0\n"));
    assert_false(clamav_seen_part(&seen, 0));
    clamav_seen_file(&seen, STR("one\ntwo\n"));
    assert_true(clamav_seen_part(&seen, 0));
    clamav_seen_file(&seen, STR("MZ\0\n"));
    assert_false(clamav_seen_part(&seen, 1));
    clamav_seen_file(&seen, STR("MZ\0\r\n"));
    assert_true(clamav_seen_part(&seen, 1));
    assert_false(clamav_seen_part(&seen, 2));
    clamav_seen_file(&seen, STR_EMPTY);
    assert_true(clamav_seen_part(&seen, 2));
}

static void text_without_a_name_may_lose_blank_lines(void **state)
{
#define EXACT "\r\none\r\n\r\n \t\r\n\r\ntwo \n\nthree\n \n"
    const struct av_part parts[] = {
        {.bytes = STR(EXACT), .as_it_stands = true},
        {.bytes = STR(EXACT), .as_it_stands = true, .filename = STR("a.js")},
        {.bytes = STR(EXACT)},
        {.bytes = STR("one\ntwo"), .as_it_stands = true},
        {.bytes = STR(" \n\n"), .as_it_stands = true},
    };
    start(parts, 5);
    clamav_seen_file(&seen, STR("one\n \ntwo\nthree"));
    assert_false(clamav_seen_part(&seen, 0)); /* a blank at the end of a line counts */
    clamav_seen_file(&seen, STR("one\n two \nthree"));
    assert_false(clamav_seen_part(&seen, 0)); /* and one at its beginning */
    clamav_seen_file(&seen, STR("one\n \ntwo \nthree\n"));
    assert_true(clamav_seen_part(&seen, 0));
    assert_false(clamav_seen_part(&seen, 1));
    assert_false(clamav_seen_part(&seen, 2));
    assert_false(clamav_seen_part(&seen, 3));
    clamav_seen_file(&seen, STR(EXACT));
    assert_true(clamav_seen_part(&seen, 1));
    assert_true(clamav_seen_part(&seen, 2));
    clamav_seen_file(&seen, STR("onetwo"));
    assert_false(clamav_seen_part(&seen, 3));
    clamav_seen_file(&seen, STR("\n"));
    assert_true(clamav_seen_part(&seen, 4)); /* there is nothing in it */
#undef EXACT
}

static void many_of_a_kind_stay_cheap(void **state)
{
    struct av_part *parts = calloc(AV_PARTS_MAX, sizeof *parts);
    assert_non_null(parts);
    for (size_t i = 0; i < AV_PARTS_MAX; i++)
        parts[i].bytes = STR("always the same");
    start(parts, AV_PARTS_MAX);
    clamav_seen_file(&seen, STR("always the same"));
    size_t marked = 0;
    for (size_t i = 0; i < AV_PARTS_MAX; i++)
        marked += clamav_seen_part(&seen, i);
    /* the others are scanned again, which is safe */
    assert_true(marked > 0 && marked < 10);
    free(parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_what_was_not_opened),
        cmocka_unit_test(the_last_file_counts_too),
        cmocka_unit_test(notes_what_was_cut),
        cmocka_unit_test(survives_any_depth),
        cmocka_unit_test(decoded_bytes_must_be_the_same),
        cmocka_unit_test(text_as_it_stands_may_lose_cr),
        cmocka_unit_test(text_without_a_name_may_lose_blank_lines),
        cmocka_unit_test(many_of_a_kind_stay_cheap),
    };
    return tap_run(tests, NULL, NULL);
}
