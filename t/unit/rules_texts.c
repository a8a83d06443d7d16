/* the texts of a message that rules look at, and what is noted of HTML and links */
#include "t/unit/tap.h"

#include "rules/facts/body.h"
#include "rules/facts/decode.h"
#include "rules/facts/html_facts.h"
#include "rules/facts/uris.h"

struct world {
    struct pool *pool;
    struct rules_input input;
    struct facts facts;
};

static void open_world(struct world *w, struct str raw)
{
    struct err err = {""};
    struct message *message;
    *w = (struct world){.pool = pool_new((size_t)512 << 20)};
    assert_int_equal(message_parse(w->pool, raw, &mail_limits_default, &message, &err), 0);
    w->input.message = message;
    facts_init(&w->facts, w->pool, &w->input, NULL);
}

static void close_world(struct world *w)
{
    pool_free(&w->pool);
}

/* All pieces of a text, with '|' between them. */
static void check_texts(const struct fact_texts *texts, const char *expected)
{
    struct buf all = BUF_INIT(1 << 20);
    assert_non_null(texts);
    for (size_t i = 0; i < texts->n; i++) {
        if (i)
            buf_addc(&all, '|');
        buf_add(&all, texts->list[i]);
    }
    assert_string_equal(buf_cstr(&all), expected);
    buf_release(&all);
}

static void check_body(const char *mail, enum body_text which, const char *expected)
{
    struct world w;
    open_world(&w, str_of(mail));
    check_texts(facts_body(&w.facts, which), expected);
    close_world(&w);
}

#define HTML "Subject: s\nContent-Type: text/html; charset=utf-8\n\n"

static void folds_white_space(void **state)
{
    check_body("Subject: =?utf-8?q?caf=C3=A9?=\n\na  b\nc \n \n\n d\n\n\ne", BODY_RENDERED,
               "caf\xc3\xa9\n|a b c \n| d\n|e");
    check_body("Subject: a\n b\n\nx", BODY_RENDERED, "a b\n|x");
    check_body("To: x\n\nx", BODY_RENDERED, "\n|x");
    check_body("Subject: s\r\n\r\na\r\n\r\nb\r\n", BODY_RENDERED, "s\n|a\n|b ");
    check_body("Subject: s\nContent-Type: text/plain; charset=iso-8859-1\n\nna\xefve\xa0x",
               BODY_RENDERED, "s\n|na\xc3\xafve x");
}

static void cuts_long_lines(void **state)
{
    struct world w;
    struct buf raw = BUF_INIT(1 << 20);
    buf_add(&raw, STR("Subject: s\n\n"));
    for (int i = 0; i < 700; i++)
        buf_add(&raw, STR("word "));
    open_world(&w, buf_str(&raw));
    const struct fact_texts *body = facts_body(&w.facts, BODY_RENDERED);
    assert_int_equal(body->n, 3);
    assert_int_equal(body->list[1].n, 2045);
    assert_true(body->list[1].s[body->list[1].n] == '\n');
    close_world(&w);
    buf_release(&raw);
}

static void renders_html(void **state)
{
    check_body(HTML "<p>One<p>two<br>three &amp; <b>fo</b>ur &eacute;<!-- no --><script>x</script>",
               BODY_RENDERED, "s\n|\n|One\n|two three & four \xe9");
    check_body(HTML "&rsquo;&eacute;", BODY_RENDERED, "s\n|\xe2\x80\x99\xc3\xa9");
    check_body(HTML "a<td>b</td><style>x</style>c<title>t</title>", BODY_RENDERED,
               "s\n|a b c\n|t\n");
    /* a quote that is never closed swallows the rest */
    check_body(HTML "a <a href=\"x>b</a> c", BODY_RENDERED, "s\n|a ");
    check_body(HTML "a <![if x]>b<![endif]> <![CDATA[<i>]]>c", BODY_RENDERED, "s\n|a b <i>c");
}

static void tells_hidden_text(void **state)
{
    static const char mail[] =
        HTML "see <span style=\"display: none\">none</span> <font color=white>white</font> "
             "<font color=\"#fefefe\">near</font> <font size=1>tiny</font> "
             "<p style=\"color:#fff; background-color:black\">seen</p>";
    check_body(mail, BODY_INVISIBLE, "nonewhiteneartiny");
    check_body(mail, BODY_VISIBLE, "s\n|see \n|seen\n");
}

static void notes_html(void **state)
{
    struct world w;
    double value;
    size_t n;
    open_world(&w, STR(HTML "<!doctype html><html><img width=10 height=50%><font face=x1y size=7>a"
                            "</font></b><bogus><form action=mailto:x><title>T</title>b<i>c</i>"));
    const struct html_docs *docs = facts_html(&w.facts);
    assert_int_equal(docs->n, 1);
    const struct html_doc *doc = &docs->list[0];
    assert_true(html_doc_number(doc, STR("image_area"), &value) && value == 10 * 300);
    assert_true(html_doc_number(doc, STR("max_size"), &value) && value == 7);
    assert_true(html_doc_number(doc, STR("font_face_bad"), &value));
    assert_true(html_doc_number(doc, STR("form_action_mailto"), &value));
    assert_true(html_doc_number(doc, STR("closed_extra_ratio"), &value) && value > 0);
    assert_false(html_doc_number(doc, STR("embeds"), &value));
    assert_false(html_doc_number(doc, STR("no such number"), &value));
    assert_str(html_doc_texts(doc, STR("title"), &n)[0], "T");
    assert_int_equal(html_doc_inside(doc, STR("bogus"))->open, 1);
    assert_int_equal(html_doc_inside(doc, STR("font"))->open, 0);
    assert_null(html_doc_inside(doc, STR("table")));
    close_world(&w);
}

#define MULTI "Subject: s\nContent-Type: multipart/mixed; boundary=\"b\"\n\n"

static void reads_parts(void **state)
{
    struct world w;
    open_world(&w,
               STR(MULTI "before\n--b\nContent-Type: text/x-odd; charset=\"x\"\n\none\n"
                         "--b\nContent-Type: application/x; name=page.html\n\n<p>two\n"
                         "--b\nContent-Type: message/rfc822\n\nSubject: in\n\nthree\n--b--\nz"));
    const struct fact_parts *parts = facts_parts(&w.facts);
    assert_int_equal(parts->n, 5);
    assert_str(parts->list[1]->type, "text/plain");
    assert_str(parts->list[1]->charset, "x");
    assert_str(parts->list[2]->effective, "text/html");
    assert_str(fact_field(&w.facts, parts->list[4], STR("SUBJECT")), "in");
    assert_true(parts->epilogue);
    assert_false(parts->unclosed);
    check_texts(facts_body(&w.facts, BODY_RENDERED), "s\n|one\n|two three");
    check_texts(facts_rawbody(&w.facts), "one|<p>two|three");
    close_world(&w);
}

static void bounds_parts(void **state)
{
    struct world w;
    struct buf raw = BUF_INIT(1 << 20);
    for (int i = 0; i < 3 * PARTS_DEPTH_MAX; i++)
        buf_add(&raw, STR("Content-Type: message/rfc822\n\n"));
    open_world(&w, buf_str(&raw));
    assert_int_equal(facts_parts(&w.facts)->n, PARTS_DEPTH_MAX + 1);
    close_world(&w);
    buf_clear(&raw);
    buf_add(&raw, STR(MULTI));
    for (int i = 0; i < 2 * PARTS_SIBLINGS_MAX; i++)
        buf_add(&raw, STR("--b\n\nx\n"));
    open_world(&w, buf_str(&raw));
    assert_int_equal(facts_parts(&w.facts)->n, PARTS_SIBLINGS_MAX + 1);
    assert_true(facts_parts(&w.facts)->limited);
    close_world(&w);
    buf_release(&raw);
}

static void decodes(void **state)
{
    struct pool *pool = pool_new(1 << 20);
    assert_str(decode_qp(pool, STR("a=3D =\nb=C3=\n=A9 \t\r\nc=zz")), "a= b\xc3\xa9\nc=zz");
    assert_str(decode_qp(pool, STR("=4=\n1")), "A");
    assert_str(decode_base64(pool, STR("aGVs\nbG8=")), "hello");
    assert_str(decode_base64(pool, STR("aGVs!bG8")), "hello");
    assert_str(decode_base64(pool, STR("a")), "");
    assert_str(decode_crlf(pool, STR("\r\na\r\r\n\r")), "\na\r\n\r");
    pool_free(&pool);
}

static const struct fact_uri *find(const struct fact_uris *uris, const char *raw)
{
    for (size_t i = 0; i < uris->n; i++) {
        if (str_eq(uris->list[i].raw, str_of(raw)))
            return &uris->list[i];
    }
    return NULL;
}

static bool has(const struct fact_uris *uris, const char *cleaned)
{
    for (size_t i = 0; i < uris->n_cleaned; i++) {
        if (str_eq(uris->cleaned[i], str_of(cleaned)))
            return true;
    }
    return false;
}

static void finds_links(void **state)
{
    struct world w;
    open_world(&w, STR("Subject: s\n\nsee http://A.example.com/x%41, (www.b.com). mail "
                       "Jo@c.example.org or d.co.uk/p and not e.nosuchtld, 1.5 or f@g\n"));
    const struct fact_uris *uris = facts_uris(&w.facts);
    const struct fact_uri *uri = find(uris, "http://A.example.com/x%41");
    assert_non_null(uri);
    assert_true(has(uris, "http://A.example.com/xA"));
    assert_str(uri->hosts[0].host, "a.example.com");
    assert_str(uri->hosts[0].domain, "example.com");
    assert_non_null(find(uris, "http://www.b.com"));
    assert_non_null(find(uris, "mailto:Jo@c.example.org"));
    assert_int_equal(find(uris, "http://d.co.uk/p")->types,
                     URI_TYPE_PARSED | URI_TYPE_UNLINKED | URI_TYPE_SCHEMELESS);
    assert_int_equal(uris->n, 4);
    close_world(&w);
}

static void cleans_links(void **state)
{
    struct world w;
    open_world(&w,
               STR(HTML "<base href=\"http://base.com/dir/index.html\"><a href=\"../up?q\">x</a>"
                        "<a href='http:\\\\k.com'>y</a><a href=http://u:p@l.com:80/>z</a>"
                        "<a href=\"http://r.com/go?http://target.com/&x\">r</a>"
                        "<a href=http://0x7f.1.2.010/>i</a><a href=http://single>j</a>"
                        "<img src=//www.m.com/i.png>"));
    const struct fact_uris *uris = facts_uris(&w.facts);
    const struct fact_uri *uri = find(uris, "http://base.com/up?q");
    assert_non_null(uri);
    assert_int_equal(uri->types, URI_TYPE_A);
    assert_true(has(uris, "http://k.com"));
    assert_true(has(uris, "http://l.com/"));
    assert_true(has(uris, "http://target.com/"));
    assert_true(has(uris, "http://127.1.2.8/"));
    assert_true(has(uris, "http://www.single.com"));
    assert_int_equal(find(uris, "http://www.m.com/i.png")->types, URI_TYPE_IMG);
    assert_str(find(uris, "http:\\\\k.com")->anchors[0], "y");
    close_world(&w);
}

/* What would take quadratic time or no end of memory. */
static void stays_bounded(void **state)
{
    static const char *const pieces[] = {HTML "|<div>",
                                         HTML "|<td><font>",
                                         HTML "|<a href=\"",
                                         HTML "|<!--",
                                         HTML "|&#",
                                         HTML "|<![cdata[",
                                         HTML "|<a href=http://a.com/>",
                                         "\n\n|a.",
                                         "\n\n|a@",
                                         "\n\n|http://a.com/"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct world w;
        struct buf raw = BUF_INIT(4 << 20);
        struct str text = str_of(pieces[i]);
        size_t bar = str_chr(text, '|');
        buf_add(&raw, str_sub(text, 0, bar));
        while (raw.n < 1 << 20)
            buf_add(&raw, str_from(text, bar + 1));
        open_world(&w, buf_str(&raw));
        assert_non_null(facts_body(&w.facts, BODY_RENDERED));
        assert_non_null(facts_rawbody(&w.facts));
        assert_non_null(facts_uris(&w.facts));
        close_world(&w);
        buf_release(&raw);
    }
}

static void a_full_pool_is_an_error(void **state)
{
    static const char mail[] = MULTI "--b\nContent-Type: text/html\n\n<a href=http://a.com>x</a>\n";
    for (size_t room = 1000; room < 400000; room += room / 7) {
        struct world w;
        open_world(&w, str_n(mail, sizeof mail - 1));
        struct pool *small = pool_new(room);
        w.facts.pool = small;
        const struct fact_uris *uris = facts_uris(&w.facts);
        if (uris)
            assert_true(has(uris, "http://a.com"));
        pool_free(&small);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_white_space), cmocka_unit_test(cuts_long_lines),
        cmocka_unit_test(renders_html),      cmocka_unit_test(tells_hidden_text),
        cmocka_unit_test(notes_html),        cmocka_unit_test(reads_parts),
        cmocka_unit_test(bounds_parts),      cmocka_unit_test(decodes),
        cmocka_unit_test(finds_links),       cmocka_unit_test(cleans_links),
        cmocka_unit_test(stays_bounded),     cmocka_unit_test(a_full_pool_is_an_error),
    };
    return tap_run(tests, NULL, NULL);
}
