#include "t/unit/tap.h"

#include "sender/txt.h"

static enum txt_answer ask(struct txt_file *file, const char *name, struct buf *out)
{
    struct txt_source source = txt_file_source(file);
    buf_clear(out);
    return source.txt(source.data, str_of(name), out);
}

static void answers_from_a_file(void **state)
{
    struct err err;
    struct buf out = BUF_INIT(100);
    struct txt_file *file = txt_file_parse(STR("# keys\n\n"
                                               "s1._domainkey.Example.org TXT v=DKIM1; p=abc d\r\n"
                                               "  twice TXT one\n"
                                               "twice TXT two\n"
                                               "empty\tTXT\n"
                                               "down TEMPFAIL\n"),
                                           "zone", &err);
    assert_non_null(file);
    assert_int_equal(ask(file, "S1._DOMAINKEY.example.org", &out), TXT_ONE);
    assert_str(buf_str(&out), "v=DKIM1; p=abc d");
    assert_int_equal(ask(file, "twice", &out), TXT_SEVERAL);
    assert_str(buf_str(&out), "one");
    assert_int_equal(ask(file, "empty", &out), TXT_ONE);
    assert_str(buf_str(&out), "");
    assert_int_equal(ask(file, "down", &out), TXT_FAILED);
    assert_int_equal(ask(file, "missing", &out), TXT_NONE);
    txt_file_free(&file);
    assert_null(file);
    buf_release(&out);
}

static void names_the_line_of_a_mistake(void **state)
{
    struct err err;
    assert_null(txt_file_parse(STR("a TXT b\n\nc CNAME d\n"), "zone", &err));
    assert_non_null(strstr(err.text, "zone:3: expected NAME TXT"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_a_file),
        cmocka_unit_test(names_the_line_of_a_mistake),
    };
    return tap_run(tests, NULL, NULL);
}
