#include "t/unit/tap.h"

#include "tools/tool.h"

static const struct tool_command command = {
    .name = "test",
    .options = OPT_CONFIG | OPT_JSON | OPT_LIMIT,
};

static int read_words(struct tool_args *args, struct err *err, int argc, const char **words)
{
    return tool_args_read(&command, argc, (char **)words, args, err);
}
#define READ(args, err, ...)                                                                       \
    read_words((args), (err), (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)),       \
               (const char *[]){__VA_ARGS__})

static void options_and_names_in_any_order(void **state)
{
    struct tool_args args;
    struct err err;
    assert_int_equal(READ(&args, &err, "test", "a", "--json", "-", "--config", "f", "--limit=7",
                          "--", "--json"),
                     0);
    assert_int_equal(args.given, OPT_CONFIG | OPT_JSON | OPT_LIMIT);
    assert_string_equal(args.config, "f");
    assert_int_equal(args.limit, 7);
    assert_int_equal(args.n_rest, 3);
    assert_string_equal(args.rest[0], "a");
    assert_string_equal(args.rest[1], "-");
    assert_string_equal(args.rest[2], "--json");
    tool_args_free(&args);
}

static void a_name_belongs_to_the_class_before_it(void **state)
{
    static const struct tool_command learn = {.name = "test",
                                              .options = OPT_HAM | OPT_SPAM | OPT_JSON};
    static const uint64_t classes[] = {0, OPT_HAM, OPT_HAM, OPT_SPAM, OPT_HAM};
    const char *words[] = {"test", "a", "--ham", "b", "--json", "c", "--spam", "d", "--ham", "e"};
    struct tool_args args;
    struct err err;
    assert_int_equal(tool_args_read(&learn, 10, (char **)words, &args, &err), 0);
    assert_int_equal(args.n_rest, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(args.rest_class[i], classes[i]);
    tool_args_free(&args);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *word;
        const char *said;
    } cases[] = {{"--spam", "there is no option \"--spam\""}, /* one of another command */
                 {"-x", "there is no option \"-x\""},
                 {"--json=1", "--json takes no value"},
                 {"--config", "--config needs FILE"},
                 {"--config=", "--config needs FILE behind it, not an empty text"},
                 {"--limit=0", "a number from 1"},
                 {"--limit=-1", "a number from 1"},
                 {"--limit=9999999999", "a number from 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tool_args args;
        struct err err = {""};
        assert_int_equal(READ(&args, &err, "test", cases[i].word), -1);
        assert_non_null(strstr(err.text, cases[i].said));
        assert_null(args.rest);
    }
}

static void put(struct str text, char *out, size_t size)
{
    FILE *file = fmemopen(out, size, "w");
    assert_non_null(file);
    tool_put_text(file, text);
    assert_int_equal(fclose(file), 0);
}

static void nothing_out_of_mail_drives_the_terminal(void **state)
{
    char out[200];
    put(STR("a\x1b[31mb\r\n\tc\x7f"), out, sizeof out);
    assert_string_equal(out, "a\\x1b[31mb\\x0d\\x0a\\x09c\\x7f");
    put(STR("s\xc3\xa9minaire \xe2\x82\xac \xf0\x9f\x93\xa7"), out, sizeof out);
    assert_string_equal(out, "s\xc3\xa9minaire \xe2\x82\xac \xf0\x9f\x93\xa7");
    /* C1 control, direction override, overlong, cut short, surrogate */
    put(STR("\xc2\x9b \xe2\x80\xae \xc0\xaf \xe2\x82 \xed\xa0\x80"), out, sizeof out);
    assert_string_equal(out, "\\xc2\\x9b \\xe2\\x80\\xae \\xc0\\xaf \\xe2\\x82 \\xed\\xa0\\x80");
    put(STR("nul\0x"), out, sizeof out);
    assert_string_equal(out, "nul\\x00x");
}

static void sizes_read_well(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {{0, "0 B"},       {999, "999 B"},        {1000, "1.0 kB"},
                 {5300, "5.3 kB"}, {20971520, "21.0 MB"}, {UINT64_MAX, "18446744.1 TB"}};
    char out[TOOL_SIZE_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tool_size(cases[i].bytes, out);
        assert_string_equal(out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_names_in_any_order),
        cmocka_unit_test(a_name_belongs_to_the_class_before_it),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(nothing_out_of_mail_drives_the_terminal),
        cmocka_unit_test(sizes_read_well),
    };
    return tap_run(tests, NULL, NULL);
}
