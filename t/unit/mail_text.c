#include "t/unit/tap.h"

#include <stdio.h>
#include <time.h>

#include "mail/text.h"

#define POOL_MAX (128 * 1024 * 1024)

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

static struct mail_text *make(struct pool *pool, struct str raw)
{
    struct message *m = NULL;
    struct mail_text *text = NULL;
    struct err err;
    assert_int_equal(message_parse(pool, raw, &mail_limits_default, &m, &err), 0);
    assert_int_equal(mail_text_make(pool, m, &text, &err), 0);
    assert_non_null(text);
    return text;
}

static struct mail_text *text_of(void **state, const char *raw)
{
    return make(*state, str_of(raw));
}

static struct mail_text *html_of(void **state, const char *html)
{
    struct pool *pool = *state;
    struct str raw = pool_strf(pool, "Content-Type: text/html; charset=utf-8\n\n%s", html);
    return make(pool, raw);
}

/* Paragraphs behind the subject, joined by "|". */
static void assert_body(void **state, const struct mail_text *text, const char *expected)
{
    struct buf b = BUF_INIT(100000);
    for (size_t i = 1; i < text->n_paragraphs; i++) {
        buf_add(&b, i > 1 ? STR("|") : STR(""));
        buf_add(&b, text->paragraphs[i]);
    }
    assert_str(buf_str(&b), expected);
    buf_release(&b);
}

static void assert_seen(void **state, const char *html, const char *seen, const char *hidden)
{
    const struct mail_text *text = html_of(state, html);
    assert_body(state, text, seen);
    assert_str(text->invisible, hidden);
}

static void subject_comes_first(void **state)
{
    struct mail_text *text =
        text_of(state, "Subject: =?utf-8?q?caf=C3=A9?=\n\none\n two\n\nthree\n");
    assert_str(text->subject, "café");
    assert_str(text->paragraphs[0], "café");
    assert_body(state, text, "one two|three");
    text = text_of(state, "\n\n");
    assert_int_equal(text->n_paragraphs, 1);
    assert_str(text->paragraphs[0], "");
}

static void white_space_is_folded(void **state)
{
    struct mail_text *text = text_of(
        state,
        "Content-Type: text/plain; charset=utf-8\r\n\r\n \ta\xc2\xa0 b\xe3\x80\x80\xe2\x80\x83"
        "c\r\n \t \r\nd\v\fe\r\n");
    assert_body(state, text, "a b c|d e");
}

static void all_text_parts_are_read(void **state)
{
    struct mail_text *text =
        text_of(state, "Content-Type: multipart/mixed; boundary=b\n\n"
                       "--b\nContent-Type: text/plain\n\nplain\n"
                       "--b\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
                       "PGI+aHRtbDwvYj4=\n"
                       "--b\nContent-Type: text/csv\nContent-Disposition: attachment\n\na,b\n"
                       "--b\nContent-Type: image/png\n\nbinary\n"
                       "--b\nContent-Type: message/delivery-status\n\nStatus: 5.1.1\n--b--\n");
    assert_body(state, text, "plain|html|Status: 5.1.1");
    assert_int_equal(text->n_rawbody, 3);
    assert_str(text->rawbody[1], "<b>html</b>");
}

static void rawbody_has_lf_and_its_charset(void **state)
{
    struct mail_text *text = text_of(state, "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n"
                                            "caf\xe9\r\nb\rc\r\n");
    assert_int_equal(text->n_rawbody, 1);
    assert_str(text->rawbody[0], "caf\xe9\nb\rc\n");
    assert_body(state, text, "café b c");
}

static void long_text_is_cut_into_pieces(void **state)
{
    struct pool *pool = *state;
    struct buf b = BUF_INIT(1000000);
    buf_add(&b, STR("A: b\n\n"));
    for (int i = 0; i < 3000; i++)
        buf_add(&b, STR("w\xc3\xb6rd "));
    struct mail_text *text = make(pool, buf_str(&b));
    size_t total = 0;
    assert_true(text->n_paragraphs > 4);
    for (size_t i = 1; i < text->n_paragraphs; i++) {
        assert_true(text->paragraphs[i].n <= 4096);
        assert_true(str_starts(text->paragraphs[i], STR("w\xc3\xb6rd")));
        total += text->paragraphs[i].n + 1;
    }
    assert_int_equal(total, 3000 * 6);
    buf_release(&b);
}

static void html_becomes_paragraphs(void **state)
{
    assert_seen(state, "<p>a <b>b</b>c<br>d<p>e<div>f</div>g<table><tr><td>h<td>i</table>j",
                "a bc d|e f g|h i|j", "");
    assert_seen(state, "a<br><br>b<br> \n<br>c", "a|b|c", "");
    assert_seen(state, "a<hr>b</p>c", "a|b|c", "");
    assert_seen(state, "in<!-- no -->word<?xml x?><!doctype y>s", "inwords", "");
}

static void entities_are_decoded(void **state)
{
    assert_seen(state, "&lt;&eacute;&#233;&#xE9;&#128;&ampx&copy &nbsp;&unknown; &number &",
                "<ééé€&x© &unknown; &number &", "");
    assert_seen(state, "a&#0;b&#x110000;c&#;d",
                "a\xef\xbf\xbd"
                "b\xef\xbf\xbd"
                "c&#;d",
                "");
}

static void unseen_elements(void **state)
{
    assert_seen(state,
                "<head><title>T</title><style>p{}</style></head><script>s</script>"
                "<noscript>n</noscript><textarea>a<b></textarea>",
                "na<b>", "");
    assert_seen(state, "x<template>t</template><object>o</object>", "xo", "t");
    assert_seen(state, "<script>never closed <p>", "", "");
}

static void hidden_text_is_kept_apart(void **state)
{
    static const char *const hiding[] = {
        "<p style=\"display:none\">",
        "<p style='DISPLAY : NONE !important'>",
        "<p style=\"display:/**/none\">",
        "<p style=\"&#100;isplay:none\">",
        "<p style=\"visibility: hidden\">",
        "<p style=\"font-size:0px\">",
        "<p style=\"font-size:1pt\">",
        "<p style=\"font: bold 0/1 Arial\">",
        "<p style=\"opacity:0\">",
        "<p style=\"opacity:0.01\">",
        "<p style=\"max-height:0;overflow:hidden\">",
        "<p style=\"width:1px;overflow:hidden\">",
        "<p style=\"position:absolute;left:-9999px\">",
        "<p style=\"text-indent:-9999px\">",
        "<p style=\"mso-hide:all\">",
        "<p style=\"color:#fff\">",
        "<p style=\"color:white\">",
        "<p style=\"color:rgb(250, 250, 250)\">",
        "<p style=\"color:rgba(0,0,0,0)\">",
        "<p style=\"color:transparent\">",
        "<p hidden>",
        "<p><font color=white>",
        "<p><font color=\"fffffe\">",
        "<div bgcolor=black><p style=\"color:#010101\">",
        "<div style=\"background:#123456 none\"><p style=\"color:#123457\">",
        "<unknown style=\"display:none\">",
    };
    for (size_t i = 0; i < sizeof hiding / sizeof hiding[0]; i++) {
        char html[200];
        snprintf(html, sizeof html, "a %sh</p></div></unknown><p> b", hiding[i]);
        const struct mail_text *text = html_of(state, html);
        if (!str_eq(text->invisible, STR("h")))
            fail_msg("%s: hidden is \"%.*s\"", hiding[i], STR_ARG(text->invisible));
        assert_body(state, text, "a|b");
    }
}

static void shown_text_stays(void **state)
{
    static const char *const showing[] = {
        "<p style=\"display:block;color:#000\">",
        "<div style=\"font-size:0\"><p style=\"font-size:12px\">",
        "<div style=\"visibility:hidden\"><p style=\"visibility:visible\">",
        "<div bgcolor=black><p style=\"color:white\">",
        "<td style=\"background:url(x.png)\"><p style=\"color:white\">",
        "<p style=\"color:nonsense;font-size:huge\">",
        "<p style=\"height:0\">",
        "<p style=\"position:relative;left:-9999px\">",
        "<p style=\"background:url(data:x;display:none)\">",
        "<p title=\"display:none\">",
    };
    for (size_t i = 0; i < sizeof showing / sizeof showing[0]; i++) {
        char html[200];
        snprintf(html, sizeof html, "%sh</p></div>", showing[i]);
        const struct mail_text *text = html_of(state, html);
        if (text->n_paragraphs != 2 || !str_eq(text->paragraphs[1], STR("h")))
            fail_msg("%s hides", showing[i]);
    }
}

static void hiding_ends_with_its_element(void **state)
{
    assert_seen(state, "<div style='display:none'>a<b>c</div>d", "d", "ac");
    assert_seen(state, "<b style='display:none'>a</i>c</b>d", "d", "ac");
    assert_seen(state, "<p style='display:none'>a<p>b", "b", "a");
    assert_seen(state, "<ul><li style='display:none'>a<li>b</ul>", "b", "a");
    assert_seen(state, "<br style='display:none'>a<img style='display:none'>b", "ab", "");
}

static void style_sheets_hide(void **state)
{
    assert_seen(state,
                "<style><!-- .h, p.q { display:none } /* x */ #i{font-size:0} "
                "@media print{.m{display:none}} @import 'x'; .a .b{display:none} u{color:white}"
                "--></style>"
                "<p class='x h'>1</p><p class=q>2</p><div class=q>3</div><p id=i>4</p>"
                "<p class=m>5</p><p class=b>6</p><u>7</u><p class=h style='display:block'>8</p>",
                "3|5|6|8", "1\n2\n4\n7");
}

static void facts_of_html(void **state)
{
    struct mail_text *text =
        html_of(state, "<a href=http://a.example.com/>x</a><a name=y>y</a><img src=cid:1>"
                       "<form action=http://f.example.org><script></script><!--c--><blah>");
    assert_true(text->html.present);
    assert_int_equal(text->html.links, 1);
    assert_int_equal(text->html.images, 1);
    assert_int_equal(text->html.forms, 1);
    assert_int_equal(text->html.scripts, 1);
    assert_int_equal(text->html.comments, 1);
    assert_int_equal(text->html.bad_tags, 1);
    assert_false(text_of(state, "A: b\n\n<p>")->html.present);
    assert_true(text_of(state, "A: b\n\n<HTML><p>")->html.present);
}

static void misleading_links(void **state)
{
    static const struct {
        const char *html;
        unsigned n;
    } cases[] = {
        {"<a href=http://evil.example.com/>www.bank.com</a>", 1},
        {"<a href=http://evil.example.com/>go to <b>https://bank.com/login</b> now</a>", 1},
        {"<a href=http://www.bank.com/x>bank.com</a>", 0},
        {"<a href=http://click.bank.com/x>www.bank.com</a>", 0},
        {"<a href=http://evil.example.com/>click here</a>", 0},
        {"<a href=mailto:a@b.com>bank.com</a>", 0},
        {"<a href=http://10.0.0.1/>bank.com", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(html_of(state, cases[i].html)->html.links_misleading, cases[i].n);
}

static void unfinished_html(void **state)
{
    assert_seen(state, "a<p title=\"never closed", "a", "<p title=\"never closed");
    assert_seen(state, "a<!-- never closed", "a", "");
    assert_seen(state, "1 < 2 <3 </ 4> <>", "1 < 2 <3 <>", "");
    assert_seen(state, "a<!-->b<!--->c<!--x--!>d", "abcd", "");
    assert_seen(state, "<a href='x>y'>t</a><b a=b/>c", "tc", "");
}

static void large_text_is_truncated(void **state)
{
    struct buf b = BUF_INIT(8 * 1024 * 1024);
    buf_add(&b, STR("Content-Type: multipart/mixed; boundary=b\n\n"));
    for (int part = 0; part < 6; part++) {
        buf_add(&b, STR("--b\n\n"));
        for (int i = 0; i < 100000; i++)
            buf_add(&b, STR("text and "));
        buf_add(&b, STR("\n"));
    }
    struct mail_text *text = make(*state, buf_str(&b));
    size_t total = 0;
    for (size_t i = 0; i < text->n_paragraphs; i++)
        total += text->paragraphs[i].n;
    assert_true(text->truncated);
    assert_true(total <= TEXT_TOTAL_MAX);
    assert_true(total > TEXT_TOTAL_MAX - 10000);
    buf_release(&b);
    assert_false(text_of(state, "A: b\n\nshort")->truncated);
}

static void a_small_pool_fails_cleanly(void **state)
{
    struct str raw = STR("Subject: =?utf-8?q?x?=\nContent-Type: text/html\n\n<style>.a{color:red}"
                         "</style><a class=a href=http://example.com>x</a> www.example.org");
    int failed = 0;
    for (size_t max = 1024; max < 100 * 1024; max += 512) {
        struct pool *pool = pool_new(max);
        struct message *m = NULL;
        struct mail_text *text = NULL;
        struct err err = {""};
        if (message_parse(pool, raw, &mail_limits_default, &m, &err) == 0 &&
            mail_text_make(pool, m, &text, &err) < 0) {
            assert_true(err.text[0]);
            failed++;
        }
        pool_free(&pool);
    }
    assert_true(failed > 0 && failed < 198);
}

static double seconds_for(struct pool *pool, const char *head, const char *piece)
{
    struct buf raw = BUF_INIT(3 * 1024 * 1024);
    struct timespec from, to;
    buf_add(&raw, STR("Content-Type: text/html\n\n"));
    buf_add(&raw, str_of(head));
    while (raw.n < 2 * 1024 * 1024)
        buf_add(&raw, str_of(piece));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    make(pool, buf_str(&raw));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    buf_release(&raw);
    pool_reset(pool);
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* 0.15 s is what the worst takes unhindered; quadratic work would take minutes. */
static void hostile_html_takes_no_time(void **state)
{
    static const char *const pieces[][2] = {
        {"", "<"},
        {"", "<b>"},
        {"", "<b></i>"},
        {"<b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b><b>", "<p>"},
        {"", "<!-- --"},
        {"", "<a x=\""},
        {"", "&a"},
        {"", "<p style=\"a(;"},
        {"<p style=\"", "a(;"},
        {"<style>", "@a;"},
        {"<style>", "@a{} "},
        {"<style>", ".a{color:red}"},
        {"<style>", "{"},
        {"<title>", "</"},
        {"", "a.com "},
        {"", "\xc3\xa9.com "},
        {"", "a.a."},
        {"", "://"},
        {"", "<a href=http://a.com/?http://b.com/?http://c.com/>www.d.com"},
    };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_true(seconds_for(*state, pieces[i][0], pieces[i][1]) < 3.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subject_comes_first),
        cmocka_unit_test(white_space_is_folded),
        cmocka_unit_test(all_text_parts_are_read),
        cmocka_unit_test(rawbody_has_lf_and_its_charset),
        cmocka_unit_test(long_text_is_cut_into_pieces),
        cmocka_unit_test(html_becomes_paragraphs),
        cmocka_unit_test(entities_are_decoded),
        cmocka_unit_test(unseen_elements),
        cmocka_unit_test(hidden_text_is_kept_apart),
        cmocka_unit_test(shown_text_stays),
        cmocka_unit_test(hiding_ends_with_its_element),
        cmocka_unit_test(style_sheets_hide),
        cmocka_unit_test(facts_of_html),
        cmocka_unit_test(misleading_links),
        cmocka_unit_test(unfinished_html),
        cmocka_unit_test(large_text_is_truncated),
        cmocka_unit_test(a_small_pool_fails_cleanly),
        cmocka_unit_test(hostile_html_takes_no_time),
    };
    return tap_run(tests, setup, teardown);
}
