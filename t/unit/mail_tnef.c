/* winmail.dat, as Outlook and Exchange make it and as nobody should. */
#include "t/unit/tap.h"

#include <stdlib.h>

#include "mail/tnef.h"
#include "t/unit/tnef_make.h"

static struct pool *pool;
static struct buf made;

static int set_up(void **state)
{
    pool = pool_new(64 * 1024 * 1024);
    made = BUF_INIT(16 * 1024 * 1024);
    return pool ? 0 : -1;
}

static int tear_down(void **state)
{
    pool_free(&pool);
    buf_release(&made);
    return 0;
}

static struct tnef read_str(struct str stream)
{
    struct tnef tnef;
    struct err err;
    assert_int_equal(tnef_read(pool, stream, &tnef, &err), 0);
    return tnef;
}

static void begin(void)
{
    buf_clear(&made);
    make_begin(&made);
}

static void a_file_has_name_and_bytes(void **state)
{
    begin();
    make_codepage(&made, 1252);
    make_attribute(&made, 1, 0x00018004, STR("a subject"));
    make_file(&made, "r\xe9union.txt", STR("bytes"));
    make_file(&made, "second.eml", STR("From: a\r\n\r\nb"));
    struct tnef tnef = read_str(buf_str(&made));
    assert_true(tnef_is(buf_str(&made)));
    assert_false(tnef.damaged || tnef.more || tnef.changed);
    assert_int_equal(tnef.n, 2);
    assert_int_equal(tnef.list[0].kind, TNEF_FILE);
    assert_str(tnef.list[0].name, "réunion.txt");
    assert_str(tnef.list[0].data, "bytes");
    assert_str(tnef.list[1].name, "second.eml");
    assert_str(tnef.list[1].data, "From: a\r\n\r\nb");
}

/* The title is short ("LONGNA~1.EML"); properties know the whole name. */
static void the_longest_name_counts(void **state)
{
    struct buf props = BUF_INIT(4096);
    begin();
    make_file(&made, "LONGNA~1.EML", STR("x"));
    wire_u32(&props, 5);
    make_value(&props, 0x0003, 0x3705, STR("\1\0\0\0"));   /* by value */
    make_value(&props, 0x000b, 0x7ffe, STR("\1\0\0\0"));   /* a boolean */
    make_value(&props, 0x1003, 0x7001, STR("\1\0\0\0"));   /* several numbers */
    make_named(&props, 0x001f, 0x8001, STR("f\0o\0\0\0")); /* named by a text */
    make_value(&props, 0x001f, 0x3707, STR("l\0o\0n\0g\0\xe9\0.\0e\0m\0l\0\0\0"));
    make_attribute(&made, 2, 0x00069005, buf_str(&props));
    struct tnef tnef = read_str(buf_str(&made));
    assert_false(tnef.damaged);
    assert_int_equal(tnef.n, 1);
    assert_str(tnef.list[0].name, "longé.eml");
    assert_int_equal(tnef.list[0].n_names, 2);
    assert_str(tnef.list[0].names[0], "LONGNA~1.EML");
    assert_str(tnef.list[0].names[1], "longé.eml");
    buf_release(&props);
}

/* The end of a name says what it is: none is cut in silence. */
static void too_long_a_name_is_damage(void **state)
{
    char name[TNEF_NAME_MAX + 10] = "";
    begin();
    memset(name, 'x', TNEF_NAME_MAX - 1);
    make_file(&made, name, STR("bytes"));
    struct tnef tnef = read_str(buf_str(&made));
    assert_false(tnef.damaged);
    assert_int_equal(tnef.list[0].name.n, TNEF_NAME_MAX - 1);
    begin();
    memset(name, 'x', TNEF_NAME_MAX + 4);
    make_file(&made, name, STR("bytes"));
    tnef = read_str(buf_str(&made));
    assert_true(tnef.damaged);
    assert_int_equal(tnef.n, 1);
}

static void an_embedded_message_is_a_stream_of_its_own(void **state)
{
    struct buf inner = BUF_INIT(4096), props = BUF_INIT(8192);
    make_begin(&inner);
    make_file(&inner, "deep.txt", STR("deep"));
    begin();
    make_attribute(&made, 2, 0x00069002, STR("rendering data"));
    wire_u32(&props, 2);
    make_object(&props, make_iid_message, buf_str(&inner));
    make_value(&props, 0x001e, 0x3001, STR("Fwd: it\0"));
    make_attribute(&made, 2, 0x00069005, buf_str(&props));
    struct tnef tnef = read_str(buf_str(&made));
    assert_false(tnef.damaged);
    assert_int_equal(tnef.n, 1);
    assert_int_equal(tnef.list[0].kind, TNEF_MESSAGE);
    assert_str(tnef.list[0].name, "Fwd: it");
    struct tnef deep = read_str(tnef.list[0].data);
    assert_int_equal(deep.n, 1);
    assert_str(deep.list[0].data, "deep");
    buf_release(&inner);
    buf_release(&props);
}

/* One reader takes the bytes from here, another from there: both are listed. */
static void bytes_in_two_places_are_listed_twice(void **state)
{
    struct buf props = BUF_INIT(4096);
    begin();
    make_file(&made, "a.txt", STR("harmless"));
    wire_u32(&props, 3);
    make_value(&props, 0x0102, 0x3701, STR("harmful"));
    make_value(&props, 0x0102, 0x3701, STR("harmless")); /* the same again is not */
    make_object(&props, "0123456789abcdef", STR("ole"));
    make_attribute(&made, 2, 0x00069005, buf_str(&props));
    struct tnef tnef = read_str(buf_str(&made));
    assert_int_equal(tnef.n, 3);
    assert_str(tnef.list[1].data, "harmful");
    assert_str(tnef.list[1].name, "a.txt");
    assert_int_equal(tnef.list[2].kind, TNEF_OBJECT);
    buf_release(&props);
}

static void a_wrong_checksum_hides_nothing(void **state)
{
    begin();
    make_file(&made, "a.txt", STR("bytes"));
    made.p[made.n - 1] ^= 1;
    struct tnef tnef = read_str(buf_str(&made));
    assert_true(tnef.changed);
    assert_false(tnef.damaged);
    assert_int_equal(tnef.n, 1);
}

/* --- hostile --- */

/* Cut anywhere: damage is told, what came before it is listed, nothing beyond is read. */
static void cut_anywhere_it_is_damaged(void **state)
{
    begin();
    make_file(&made, "first.txt", STR("first"));
    size_t first = made.n;
    make_file(&made, "second.txt", STR("second"));
    for (size_t n = 0; n < made.n; n++) {
        char *copy = malloc(n + 1); /* so that a sanitizer sees the end */
        assert_non_null(copy);
        memcpy(copy, made.p, n);
        struct tnef tnef = read_str(str_n(copy, n));
        /* between two attributes nothing is missing */
        assert_true(n < 6 ? tnef.damaged : tnef.n <= 2);
        assert_true(n < first || (tnef.n >= 1 && str_eq(tnef.list[0].data, STR("first"))));
        free(copy);
        pool_reset(pool);
    }
    assert_int_equal(read_str(str_n(made.p, made.n - 4)).n, 2); /* in the last bytes of the data */
    assert_true(read_str(str_n(made.p, made.n - 4)).damaged);
}

static void any_byte_may_be_any(void **state)
{
    struct buf props = BUF_INIT(4096);
    begin();
    wire_u32(&props, 3);
    make_value(&props, 0x0102, 0x3701, STR("bytes"));
    make_named(&props, 0x001f, 0x8001, STR("f\0o\0\0\0"));
    make_object(&props, make_iid_message, STR("x"));
    make_attribute(&made, 2, 0x00069005, buf_str(&props));
    static const char values[] = {0, 1, 0x7f, (char)0x80, (char)0xff};
    for (size_t i = 0; i < made.n; i++)
        for (size_t k = 0; k < sizeof values; k++) {
            char was = made.p[i];
            made.p[i] = values[k];
            struct tnef tnef = read_str(buf_str(&made));
            for (size_t j = 0; j < tnef.n; j++)
                assert_true(tnef.list[j].data.s >= made.p &&
                            tnef.list[j].data.s + tnef.list[j].data.n <= made.p + made.n);
            made.p[i] = was;
            pool_reset(pool);
        }
    buf_release(&props);
}

static void limits_are_told(void **state)
{
    begin();
    for (unsigned i = 0; i < TNEF_ATTACHMENTS_MAX + 1; i++)
        make_file(&made, "a", STR("b"));
    struct tnef tnef = read_str(buf_str(&made));
    assert_true(tnef.more);
    assert_int_equal(tnef.n, TNEF_ATTACHMENTS_MAX);
    begin();
    for (unsigned i = 0; i < TNEF_ATTRIBUTES_MAX + 1; i++)
        make_attribute(&made, 1, 0x00018004, STR_EMPTY);
    make_file(&made, "a", STR("b"));
    assert_true(read_str(buf_str(&made)).more);
    /* more properties announced than there are bytes */
    begin();
    make_attribute(&made, 2, 0x00069005, STR("\xff\xff\xff\xff"));
    assert_true(read_str(buf_str(&made)).damaged);
}

static void what_is_none_is_damaged(void **state)
{
    assert_false(tnef_is(STR("PK\3\4")));
    assert_true(read_str(STR("PK\3\4 and more")).damaged);
    assert_true(read_str(STR_EMPTY).damaged);
    begin();
    assert_false(read_str(buf_str(&made)).damaged); /* nothing is attached */
    buf_add(&made, STR("\7rubbish behind it"));
    assert_true(read_str(buf_str(&made)).damaged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_name_and_bytes),
        cmocka_unit_test(the_longest_name_counts),
        cmocka_unit_test(too_long_a_name_is_damage),
        cmocka_unit_test(an_embedded_message_is_a_stream_of_its_own),
        cmocka_unit_test(bytes_in_two_places_are_listed_twice),
        cmocka_unit_test(a_wrong_checksum_hides_nothing),
        cmocka_unit_test(cut_anywhere_it_is_damaged),
        cmocka_unit_test(any_byte_may_be_any),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(what_is_none_is_damaged),
    };
    return tap_run(tests, set_up, tear_down);
}
