#include "t/unit/tap.h"

#include "gateway/smtp/address.h"

static void expect(const char *path, const char *address)
{
    struct smtp_address a;
    struct str rest = str_of(path);
    bool ok = smtp_address_parse(&rest, &a);
    if (address == NULL) {
        if (ok)
            fail_msg("%s was accepted as %.*s", path, (int)a.n, a.text);
        return;
    }
    if (!ok)
        fail_msg("%s was refused", path);
    assert_str(smtp_address_str(&a), address);
}

static void mailboxes(void **state)
{
    expect("<a@b.example>", "a@b.example");
    expect("<a.b+c=d@b-c.example>", "a.b+c=d@b-c.example");
    expect("<a@localhost>", "a@localhost");
    expect("<a..b.@b.example>", "a..b.@b.example");
    expect("<a@b_c.example>", "a@b_c.example");
    expect("<>", "");
    expect("<postmaster>", "postmaster");
    expect("<a@[192.0.2.1]>", "a@[192.0.2.1]");
    expect("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]");
    expect("<\xc3\xa9@\xc3\xa9.example>", "\xc3\xa9@\xc3\xa9.example");
}

static void quoted_local_parts(void **state)
{
    expect("<\"a b\"@b.example>", "\"a b\"@b.example");
    expect("<\"a@b\"@b.example>", "\"a@b\"@b.example");
    expect("<\"a\\\"b\"@b.example>", "\"a\\\"b\"@b.example");
    expect("<\"a.b\"@b.example>", "a.b@b.example");
    expect("<\"\"@b.example>", "\"\"@b.example");
    expect("<\"a@b.example>", NULL);
    expect("<\"a\\\"@b.example>", NULL);
    expect("<\"a\"b@b.example>", NULL);
    expect("<\"a\x01\"@b.example>", NULL);
}

static void source_routes_are_dropped(void **state)
{
    expect("<@r.example:a@b.example>", "a@b.example");
    expect("<@r.example,@s.example:a@b.example>", "a@b.example");
    expect("<@r.example:>", NULL);
    expect("<@r.example,a@b.example>", NULL);
    expect("<@:a@b.example>", NULL);
}

static void what_is_none_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "a@b.example",
        "<a@b.example",
        "<a@b.example x>",
        "<a b@b.example>",
        "<a@>",
        "<@>",
        "<@b.example>",
        "<a@b@c.example>",
        "<a@.example>",
        "<a@b..example>",
        "<a@b.example.>",
        "<a@-b.example>",
        "<a@b-.example>",
        "<a@b!.example>",
        "<a@[192.0.2.1>",
        "<a@[192.0.2]>",
        "<a@[192.0.2.1]x>",
        "<a@[IPv6:zz]>",
        "<a@[2001:db8::1]>",
        "<a@[]>",
        "<a(b)@b.example>",
        "<a,b@b.example>",
        "<a<b@b.example>",
        "< a@b.example>",
        "<a\x80@b.example>",         /* no UTF-8 */
        "<a\xc0\x80@b.example>",     /* over-long */
        "<a\xed\xa0\x80@b.example>", /* surrogate */
        "<a\xf5\x80\x80\x80@b.example>",
        "<a\x7f@b.example>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i], NULL);
}

/* <aaa…@bbb…> with `local` and `domain` bytes, the domain in labels of 63 */
static bool parses(size_t local, size_t domain)
{
    char path[1000];
    size_t n = 0;
    struct smtp_address a;
    path[n++] = '<';
    for (size_t i = 0; i < local; i++)
        path[n++] = 'a';
    path[n++] = '@';
    for (size_t i = 0; i < domain; i++)
        path[n++] = i % 64 == 63 ? '.' : 'b';
    path[n++] = '>';
    struct str rest = str_n(path, n);
    return smtp_address_parse(&rest, &a);
}

static void lengths_are_bounded(void **state)
{
    assert_true(parses(64, 254));
    assert_false(parses(65, 254));
    assert_true(parses(1, 255));
    assert_true(parses(200, 100));
    assert_false(parses(1, 256));
    assert_false(parses(319, 1));
    struct smtp_address a;
    struct str rest =
        STR("<a@bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb.example>");
    assert_false(smtp_address_parse(&rest, &a));
}

static void rest_is_left(void **state)
{
    struct smtp_address a;
    struct str rest = STR("<a@b.example> SIZE=1");
    assert_true(smtp_address_parse(&rest, &a));
    assert_str(rest, " SIZE=1");
}

static void helo_names(void **state)
{
    assert_true(smtp_helo_name_valid(STR("mx.example")));
    assert_true(smtp_helo_name_valid(STR("[192.0.2.1]")));
    assert_true(smtp_helo_name_valid(STR("PC_OF_JEAN")));
    assert_true(smtp_helo_name_valid(STR("\xc3\xa9t\xc3\xa9.example")));
    assert_false(smtp_helo_name_valid(STR("")));
    assert_false(smtp_helo_name_valid(STR("a b")));
    assert_false(smtp_helo_name_valid(STR("a(b)")));
    assert_false(smtp_helo_name_valid(STR("a\xff")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mailboxes),
        cmocka_unit_test(quoted_local_parts),
        cmocka_unit_test(source_routes_are_dropped),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(rest_is_left),
        cmocka_unit_test(helo_names),
    };
    return tap_run(tests, NULL, NULL);
}
