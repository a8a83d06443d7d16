#include "t/unit/tap.h"

#include "mail/uri.h"

#define POOL_MAX (16 * 1024 * 1024)

static int setup(void **state)
{
    *state = pool_new(POOL_MAX);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct pool *pool = *state;
    pool_free(&pool);
    return 0;
}

static void check_add(void **state, const char *text, const char *clean, const char *host,
                      const char *domain)
{
    struct uris uris = {.pool = *state};
    size_t index = uris_add(&uris, str_of(text), STR_EMPTY, URI_HREF);
    if (index != 0)
        fail_msg("%s is taken for no link", text);
    assert_str(uris.list[0].text, text);
    assert_str(uris.list[0].clean, clean);
    assert_str(uris.list[0].host, host);
    assert_str(uris.list[0].domain, domain);
}

static void links_are_cleaned(void **state)
{
    check_add(state, "HTTP://User@WWW.Example.CO.UK:80/A%42%20?q=%26#F",
              "http://User@www.example.co.uk/AB%20?q=&#F", "www.example.co.uk", "example.co.uk");
    check_add(state, "https://example.com:8443", "https://example.com:8443", "example.com",
              "example.com");
    check_add(state, "http:\\\\example.com\\x", "http://example.com/x", "example.com",
              "example.com");
    check_add(state, " ht\ntp:/example.com\t/x ", "http://example.com/x", "example.com",
              "example.com");
    check_add(state, "https:example.com", "https://example.com", "example.com", "example.com");
    check_add(state, "//example.com/x", "http://example.com/x", "example.com", "example.com");
    check_add(state, "www.example.com/x", "http://www.example.com/x", "www.example.com",
              "example.com");
    check_add(state, "http://a.bl%6Fgspot.com./", "http://a.blogspot.com/", "a.blogspot.com",
              "a.blogspot.com");
    check_add(state, "http://localhost/x", "http://localhost/x", "localhost", "");
}

static void hosts_in_other_clothes(void **state)
{
    check_add(state, "http://M\xc3\xbcnchen.de/", "http://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de",
              "xn--mnchen-3ya.de");
    check_add(state,
              "http://www\xe3\x80\x82"
              "example\xef\xbc\x8e"
              "com",
              "http://www.example.com", "www.example.com", "example.com");
    check_add(state, "http://3232235777/", "http://192.168.1.1/", "192.168.1.1", "");
    check_add(state, "http://0xC0.0250.257/", "http://192.168.1.1/", "192.168.1.1", "");
    check_add(state, "http://[::1]:80/", "http://[::1]/", "[::1]", "");
    check_add(state, "http://bank.com@evil.example.org/", "http://bank.com@evil.example.org/",
              "evil.example.org", "example.org");
}

static void other_schemes(void **state)
{
    check_add(state, "mailto:a%40b@Example.com?subject=x", "mailto:a@b@Example.com?subject=x",
              "example.com", "example.com");
    check_add(state, "JavaScript:alert(1)", "javascript:alert(1)", "", "");
    check_add(state, "tel:+33", "tel:+33", "", "");
}

static void no_links(void **state)
{
    static const char *const texts[] = {"",           "#top",    "/path",     "http://",
                                        "http:///",   "mailto:", "page.html", "http://..",
                                        "http://a b", "?x=http", "1.2",       "http://\xff/"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct uris uris = {.pool = *state};
        if (uris_add(&uris, str_of(texts[i]), STR_EMPTY, URI_HREF) != STR_NONE)
            fail_msg("%s is taken for the link %.*s", texts[i], STR_ARG(uris.list[0].clean));
    }
}

static void relative_links_with_a_base(void **state)
{
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"x", "http://b.com/d/x"},
        {"/x", "http://b.com/x"},
        {"//c.com/x", "http://c.com/x"},
        {"https://c.com/", "https://c.com/"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct uris uris = {.pool = *state};
        assert_int_equal(uris_add(&uris, str_of(cases[i].text), STR("http://b.com/d/e"), URI_IMG),
                         0);
        assert_str(uris.list[0].clean, cases[i].clean);
    }
}

static void each_clean_form_once_and_redirects(void **state)
{
    struct uris uris = {.pool = *state};
    uris_add(&uris, STR("http://A.com/?u=https%3A%2F%2Fb.com%2F"), STR_EMPTY, URI_HREF);
    uris_add(&uris, STR("http://a.com/?u=https://b.com/"), STR_EMPTY, URI_TEXT);
    assert_int_equal(uris.n, 2);
    assert_int_equal(uris.list[0].source, URI_HREF);
    assert_str(uris.list[1].clean, "https://b.com/");
    assert_int_equal(uris.list[1].source, URI_OTHER);
}

/* Clean forms of all links found, joined by blanks. */
static void check_find(void **state, const char *text, const char *expected)
{
    struct uris uris = {.pool = *state};
    struct buf b = BUF_INIT(10000);
    uris_find(&uris, str_of(text));
    for (size_t i = 0; i < uris.n; i++) {
        buf_add(&b, i ? STR(" ") : STR(""));
        buf_add(&b, uris.list[i].clean);
    }
    if (!str_eq(buf_str(&b), str_of(expected)))
        fail_msg("in \"%s\" found \"%.*s\"", text, STR_ARG(buf_str(&b)));
    buf_release(&b);
}

static void links_in_text(void **state)
{
    check_find(state, "see http://example.com/a_(b), or <https://example.org/x?y>.",
               "http://example.com/a_(b) https://example.org/x?y");
    check_find(state, "(www.example.com)", "http://www.example.com");
    check_find(state, "go to example.com/path now", "http://example.com/path");
    check_find(state, "Example.com, example.org!", "http://example.com http://example.org");
    check_find(state, "write to jean.toto@example.com.", "mailto:jean.toto@example.com");
    check_find(state, "http://a.com,http://b.com", "http://a.com http://b.com");
    check_find(state, "xhttp://example.com", "http://example.com");
    check_find(state, "ftp://example.com/x \"http://example.com\"",
               "ftp://example.com/x http://example.com");
    check_find(state, "http://3232235777/x", "http://192.168.1.1/x");
}

static void no_links_in_text(void **state)
{
    check_find(state, "hxxp://example.com/x 1.2.3 e.g. i.e. file.txt x.y.z", "");
    check_find(state, "main.py README.md run.sh a..b .com .. ://", "");
    check_find(state, "end of sentence.Next one", "");
}

static void links_beside_other_scripts(void **state)
{
    check_find(state, "请访问example.com查看", "http://example.com");
    check_find(state, "请访问http://example.com/x查看", "http://example.com/x");
    check_find(state, "请访问http://example.com查看", "http://example.com");
    check_find(state, "см. президент.рф", "http://xn--d1abbgf6aiiy.xn--p1ai");
}

static void the_number_of_links_is_bounded(void **state)
{
    struct uris uris = {.pool = *state};
    char text[64];
    for (int i = 0; i < TEXT_URIS_MAX + 10; i++) {
        struct buf b = BUF_OVER(text);
        buf_addf(&b, "http://example.com/%d", i);
        uris_add(&uris, buf_str(&b), STR_EMPTY, URI_TEXT);
    }
    assert_int_equal(uris.n, TEXT_URIS_MAX);
    assert_true(uris.full);
    assert_false(uris.no_memory);
}

static void long_links_are_cut(void **state)
{
    struct uris uris = {.pool = *state};
    struct buf b = BUF_INIT(100000);
    buf_add(&b, STR("http://example.com/"));
    while (b.n < 50000)
        buf_add(&b, STR("%41%%%"));
    assert_int_equal(uris_add(&uris, buf_str(&b), STR_EMPTY, URI_TEXT), 0);
    assert_true(uris.list[0].clean.n <= URI_BYTES_MAX + HOST_MAX + 32);
    buf_clear(&b);
    buf_add(&b, STR("http://"));
    while (b.n < 1000)
        buf_add(&b, STR("\xc3\xa9."));
    uris_add(&uris, buf_str(&b), STR_EMPTY, URI_TEXT);
    assert_int_equal(uris.n, 1);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_cleaned),
        cmocka_unit_test(hosts_in_other_clothes),
        cmocka_unit_test(other_schemes),
        cmocka_unit_test(no_links),
        cmocka_unit_test(relative_links_with_a_base),
        cmocka_unit_test(each_clean_form_once_and_redirects),
        cmocka_unit_test(links_in_text),
        cmocka_unit_test(no_links_in_text),
        cmocka_unit_test(links_beside_other_scripts),
        cmocka_unit_test(the_number_of_links_is_bounded),
        cmocka_unit_test(long_links_are_cut),
    };
    return tap_run(tests, setup, teardown);
}
