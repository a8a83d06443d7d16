#include "t/unit/tap.h"

#include "mail/message.h"
#include "mail/param.h"
#include "mail/word.h"

static void check_text(const char *value, const char *expected)
{
    struct pool *pool = pool_new(1024 * 1024);
    struct header h = {.name = STR("Subject"), .value = str_of(value)};
    assert_str(header_text(pool, &h), expected);
    pool_free(&pool);
}

static void unfolds(void **state)
{
    struct pool *pool = pool_new(1024 * 1024);
    struct header h = {.name = STR("X"), .value = STR("  a\r\n\t b \n c\r\n  \r\n d ")};
    assert_str(header_unfold(pool, &h), "a b  c d");
    h.value = STR(" \t ");
    assert_str(header_unfold(pool, &h), "");
    assert_non_null(header_unfold(pool, &h).s);
    pool_free(&pool);
}

static void decodes_words(void **state)
{
    check_text(" =?utf-8?Q?caf=C3=A9_au?= lait", "café au lait");
    check_text("=?ISO-8859-1?b?Y2Fm6Q==?=", "café");
    check_text("=?us-ascii*en?q?hi?=", "hi");
    check_text("=?utf-8?q?"
               "?=",
               "");
}

static void joins_adjacent_words(void **state)
{
    check_text("=?utf-8?q?a?= =?utf-8?q?b?=", "ab");
    check_text("=?utf-8?q?a?=\r\n =?utf-8?q?_b?= c", "a b c");
    check_text("=?utf-8?q?a?==?iso-8859-1?q?=E9?=", "aé");
    /* a character cut in two */
    check_text("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "é");
    check_text("=?utf-8?b?ww==?= =?utf-8?b?qQ==?=", "é");
    check_text("=?iso-2022-jp?b?GyRCJDMbKEI=?= =?iso-2022-jp?b?GyRCJHMbKEI=?=", "こん");
}

static void broken_words_as_readers_do(void **state)
{
    check_text("=?utf-8?q?with spaces in it?=", "with spaces in it");
    check_text("Re=?utf-8?q?:_x?=y", "Re: xy");
    check_text("\"=?utf-8?q?quoted?=\"", "\"quoted\"");
    check_text("=?utf-8?q?never closed", "=?utf-8?q?never closed");
    check_text("=?utf-8?x?what?=", "=?utf-8?x?what?=");
    check_text("=?utf-8?q", "=?utf-8?q");
    check_text("=?", "=?");
    check_text("a =?b=?utf-8?q?c?=", "a =?bc");
    check_text("=?utf-8?q?a?b?=", "a?b");
}

static void raw_8_bit(void **state)
{
    check_text("caf\xc3\xa9", "café");
    check_text("caf\xe9", "café");
}

static struct message *parse(struct pool *pool, const char *raw)
{
    struct message *m = NULL;
    struct err err;
    assert_int_equal(message_parse(pool, str_of(raw), &mail_limits_default, &m, &err), 0);
    return m;
}

static void check_param(const char *params, const char *name, const char *expected)
{
    struct pool *pool = pool_new(1024 * 1024);
    struct param *list;
    size_t n;
    struct err err;
    assert_int_equal(params_parse(pool, str_of(params), &list, &n, &err), 0);
    assert_str(params_find(list, n, str_of(name)), expected);
    pool_free(&pool);
}

static void parameters(void **state)
{
    check_param("; charset=utf-8", "charset", "utf-8");
    check_param("; CharSet = \"us-ascii\" (comment; x=y)", "charset", "us-ascii");
    check_param("; a=\"x\\\"y;z\"; b=c", "a", "x\"y;z");
    check_param("; a=\"C:\\tmp\\f.txt\"", "a", "C:\\tmp\\f.txt");
    check_param("; name=my file.pdf ; b=c", "name", "my file.pdf");
    check_param("; boundary=abc charset=x", "boundary", "abc");
    check_param(" charset=x", "charset", "x");
    check_param("; a=\"never closed; b=c", "a", "never closed");
    check_param("; a=\"never closed; b=c", "b", "c");
    check_param(";;; =x; a ; b=", "b", "");
    check_param("; ((nested) x) a=b", "a", "b");
}

static void rfc_2231(void **state)
{
    check_param("; f*=utf-8'fr'caf%C3%A9", "f", "café");
    check_param("; f*=iso-8859-1''caf%e9", "f", "café");
    check_param("; f*0*=utf-8''caf%C3; f*1*=%A9; f*2=\" x%20\"", "f", "café x%20");
    check_param("; f*1=b; f*0=a; f*2=c", "f", "abc");
    check_param("; f=plain; f*=utf-8''better", "f", "better");
    check_param("; f*=%41", "f", "A");
    check_param("; boundary=a; boundary*=''b", "boundary", "a");
}

static void file_names(void **state)
{
    const struct {
        const char *raw, *name;
    } cases[] = {
        {"Content-Disposition: attachment; filename=a.txt\n\n", "a.txt"},
        {"Content-Type: text/plain; name=\"b.txt\"\n\n", "b.txt"},
        {"Content-Disposition: inline; filename==?utf-8?q?caf=C3=A9?=\n\n", "café"},
        {"Content-Disposition: attachment; filename=\"caf\xe9\"\n\n", "café"},
        {"Content-Type: x/y; name=t; \nContent-Disposition: attachment; filename*=''d\n\n", "d"},
        {"Content-Disposition: attachment\n\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pool *pool = pool_new(1024 * 1024);
        assert_str(parse(pool, cases[i].raw)->root->filename, cases[i].name);
        pool_free(&pool);
    }
}

static void types_and_encodings(void **state)
{
    const struct {
        const char *raw, *type;
        enum encoding encoding;
    } cases[] = {
        {"Content-Type: Text/HTML\nContent-Transfer-Encoding: BASE64\n\n", "text/html", ENC_BASE64},
        {"Content-Type: text\nContent-Transfer-Encoding: (x) 8bit;\n\n", "text/plain", ENC_8BIT},
        {"Content-Type: (x) image/png (y)\nContent-Transfer-Encoding: \"7bit\"\n\n", "image/png",
         ENC_7BIT},
        {"Content-Type: /\nContent-Transfer-Encoding: base65\n\n", "text/plain", ENC_UNKNOWN},
        {"Content-Type:\nContent-Type: text/html\n\n", "text/html", ENC_7BIT},
        {"Content-Type:\n text/html;\n\tcharset=x\n\n", "text/html", ENC_7BIT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pool *pool = pool_new(1024 * 1024);
        struct message *m = parse(pool, cases[i].raw);
        assert_str(m->root->type, cases[i].type);
        assert_int_equal(m->root->encoding, cases[i].encoding);
        pool_free(&pool);
    }
}

static void text_of_html_by_its_own_charset(void **state)
{
    struct pool *pool = pool_new(1024 * 1024);
    struct buf out = BUF_INIT(1000);
    struct message *m = parse(pool, "Content-Type: text/html\n\n"
                                    "<html><meta charset='koi8-r'>\xf0\xd2\xc9\xd7\xc5\xd4");
    part_text(m->root, &out);
    assert_true(str_find(buf_str(&out), STR("Привет")) != STR_NONE);
    buf_release(&out);
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unfolds),
        cmocka_unit_test(decodes_words),
        cmocka_unit_test(joins_adjacent_words),
        cmocka_unit_test(broken_words_as_readers_do),
        cmocka_unit_test(raw_8_bit),
        cmocka_unit_test(parameters),
        cmocka_unit_test(rfc_2231),
        cmocka_unit_test(file_names),
        cmocka_unit_test(types_and_encodings),
        cmocka_unit_test(text_of_html_by_its_own_charset),
    };
    return tap_run(tests, NULL, NULL);
}
