#include "t/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "directory/address.h"
#include "directory/file.h"
#include "directory/person.h"

static void normal(const char *text, const char *expected)
{
    struct address address;
    assert_true(address_normal(str_of(text), false, &address));
    assert_string_equal(address.text, expected);
    assert_string_equal(address_domain(&address).s, strrchr(expected, '@') + 1);
}

static void no_address(const char *text)
{
    struct address address;
    assert_false(address_normal(str_of(text), false, &address));
}

static void addresses_have_one_form(void **state)
{
    normal("Jean.Toto@Univ.EXAMPLE", "jean.toto@univ.example");
    normal("\"jean.toto\"@univ.example", "jean.toto@univ.example");
    normal("\"Jean\\.Toto\"@univ.example.", "jean.toto@univ.example");
    normal("\"jean toto\"@univ.example", "\"jean toto\"@univ.example");
    normal("\"a@b\"@univ.example", "\"a@b\"@univ.example");
    normal("\"a\\\"b\"@univ.example", "\"a\\\"b\"@univ.example");
    normal("a..b@univ.example", "\"a..b\"@univ.example");
    normal("\"a..b\"@univ.example", "\"a..b\"@univ.example");
    normal("o'brien+x/y=z@univ.example", "o'brien+x/y=z@univ.example");
    normal("J\xc3\xa9r\xc3\xb4me@universit\xc3\xa9.example",
           "j\xc3\xa9r\xc3\xb4me@xn--universit-j4a.example");
    normal("x@XN--universit-j4a.example", "x@xn--universit-j4a.example");
}

static void what_is_no_address(void **state)
{
    no_address("");
    no_address("@");
    no_address("jean");
    no_address("@univ.example");
    no_address("jean@");
    no_address("jean@univ..example");
    no_address("jean@-univ.example");
    no_address("jean toto@univ.example");
    no_address("jean\t@univ.example");
    no_address("je(an)@univ.example");
    no_address("\"\"@univ.example");
    no_address("\"jean@univ.example");
    no_address("\"jean\\\"@univ.example");
    no_address("\"je\nan\"@univ.example");
    no_address("jean@[192.0.2.1]");
    no_address("12345678901234567890123456789012345678901234567890123456789012345@x.example");
    struct address address;
    assert_false(address_normal(str_n("a\0b@x.example", 13), false, &address));
    assert_true(address_normal(STR("@x.example"), true, &address));
    assert_int_equal(address.local_n, 0);
}

static void wrong(const char *text, const char *expected)
{
    struct table *table;
    struct err err = {""};
    assert_int_equal(file_parse(str_of(text), "f", &table, &err), FILE_WRONG);
    assert_null(table);
    if (strstr(err.text, expected) == NULL)
        print_error("expected %s, got %s\n", expected, err.text);
    assert_non_null(strstr(err.text, expected));
}

static void entries_are_read(void **state)
{
    struct table *table;
    struct table_entry entry;
    struct err err = {""};
    const char text[] = "\xef\xbb\xbf# people\r\n"
                        "Jean.Toto@univ.example   # the one\r\n"
                        "\r\n"
                        "\tjtoto@univ.example : Jean.Toto@UNIV.example\r\n"
                        "c#sharp@univ.example\n"
                        "\"a:b\"@univ.example:c#sharp@univ.example\n"
                        "@catch.example";
    assert_int_equal(file_parse(str_of(text), "f", &table, &err), FILE_READ);
    assert_int_equal(table_count(table), 5);
    assert_true(table_find(table, STR("jean.toto@univ.example"), &entry));
    assert_int_equal(entry.line, 2);
    assert_int_equal(entry.target.n, 0);
    assert_true(table_find(table, STR("jtoto@univ.example"), &entry));
    assert_str(entry.target, "jean.toto@univ.example");
    assert_true(table_find(table, STR("c#sharp@univ.example"), &entry));
    assert_true(table_find(table, STR("\"a:b\"@univ.example"), &entry));
    assert_true(table_find(table, STR("@catch.example"), &entry));
    assert_false(table_find(table, STR("jean.toto@univ.exampl"), &entry));
    assert_false(table_find(table, STR("@univ.example"), &entry));
    table_free(&table);
    table_free(&table);
}

static void redirections_are_read(void **state)
{
    static const struct {
        const char *address, *target;
        unsigned flags;
    } expected[] = {
        {"one@a.example", "X.One@lab.example", 0},
        {"two@a.example", "y@lab.example", PERSON_KEEP},
        {"three@a.example", "\"z z\"@lab.example", PERSON_NO_KEEP},
        {"\"a->b\"@a.example", "x@lab.example", 0},
    };
    const char *text = "One@a.example -> X.One@Lab.example # comment\n"
                       "two@a.example->y@lab.example keep=yes\n"
                       "three@a.example -> \"z z\"@lab.example keep=no\n"
                       "\"a->b\"@a.example -> x@lab.example\n";
    struct table *table;
    struct table_entry entry;
    struct person person;
    struct err err;
    assert_int_equal(file_parse(str_of(text), "f", &table, &err), FILE_READ);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(table_find(table, str_of(expected[i].address), &entry));
        assert_int_equal(entry.target.n, 0);
        assert_true(person_get(entry.more, &person));
        assert_str(person.redirect, expected[i].target);
        assert_int_equal(person.flags, expected[i].flags);
    }
    table_free(&table);
    static const char *const bad[] = {"a@a.example ->",
                                      "-> x@lab.example",
                                      "@a.example -> x@b.example",
                                      "a@a.example -> x@b.example keep=maybe",
                                      "a@a.example -> x@b.example y@b.example",
                                      "a@a.example -> b@b.example -> c@c.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(file_parse(str_of(bad[i]), "f", &table, &err), FILE_WRONG);
        assert_true(str_starts(str_of(err.text), STR("f:1: ")));
    }
}

static void mistakes_are_told_with_their_line(void **state)
{
    wrong("", "f:1: ");
    wrong("a@x.example\nJean Toto\n", "f:2: `Jean Toto`: expected an address such as");
    wrong("# x\n\na@x.example\nA@X.example\n", "f:4: a@x.example is there already in line 3");
    wrong("a@x.example: a@y.example\na@x.example\n", "f:2: a@x.example is there already in line 1");
    wrong("a@x.example: b@x.example, c@x.example\n", "f:1: ");
    wrong("a@x.example:\n", "f:1: ``: expected one address behind the colon");
    wrong("@x.example: b@x.example\n", "f:1: `@x.example`: expected an alias such as");
    wrong("a@x.example b@x.example\n", "f:1: ");
    struct buf long_line = BUF_INIT(4000);
    buf_addf(&long_line, "a@x.example\n%01500d\n", 0);
    wrong(buf_cstr(&long_line), "f:2: line longer than 1024 bytes");
    buf_release(&long_line);
}

/* The figures that the header promises, at a fifth of a million. */
static void many_addresses_stay_small(void **state)
{
    enum { N = 200000 };
    struct buf text = BUF_INIT(N * 48);
    struct table *table;
    struct table_entry entry;
    struct err err = {""};
    for (unsigned i = 0; i < N; i++)
        buf_addf(&text, "first%u.last%u@univ-nantes.example\n", i * 7919 % N, i);
    assert_true(buf_ok(&text));
    assert_int_equal(file_parse(buf_str(&text), "f", &table, &err), FILE_READ);
    assert_int_equal(table_count(table), N);
    assert_true(table_bytes(table) < (size_t)N * 130);
    assert_true(table_find(table, STR("first0.last0@univ-nantes.example"), &entry));
    assert_false(table_find(table, STR("first0.last00@univ-nantes.example"), &entry));
    table_free(&table);
    buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_one_form),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(entries_are_read),
        cmocka_unit_test(redirections_are_read),
        cmocka_unit_test(mistakes_are_told_with_their_line),
        cmocka_unit_test(many_addresses_stay_small),
    };
    return tap_run(tests, NULL, NULL);
}
