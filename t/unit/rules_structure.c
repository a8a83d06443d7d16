/* eval functions that look at parts, text, HTML, links and files: one rule over one message */
#include "t/unit/tap.h"

#include <stdio.h>

#include "rules/compile.h"
#include "rules/eval/absent.h"
#include "rules/language/parse.h"
#include "rules/uri_detail.h"

#define POOL_MAX (32 * 1024 * 1024)

static struct ruleset *make_set(const char *rule)
{
    struct err err = {""};
    struct buf text = BUF_INIT(64 * 1024);
    struct book *book = book_new(NULL, NULL, &err);
    struct parser parser = {.book = book};
    buf_addf(&text,
             "url_shortener bit.example .short.example\n"
             "ok_locales en\nutil_rb_tld com example\n%s\n",
             rule);
    assert_int_equal(parse_text(&parser, buf_str(&text), "t.cf", &err), 0);
    struct ruleset *set = compile(book, 1, &err);
    book_free(&book);
    buf_release(&text);
    assert_non_null(set);
    return set;
}

static bool hits_with(const char *rule, const char *mail, const double *bayes)
{
    struct err err = {""};
    struct pool *pool = pool_new(POOL_MAX);
    struct ruleset *set = make_set(rule);
    struct rules_scratch *scratch = rules_scratch_new(set, &err);
    struct rules_input input = {.bayes_known = bayes != NULL, .bayes = bayes ? *bayes : 0};
    struct message *message;
    struct mail_text *text;
    struct rules_result result;
    assert_non_null(scratch);
    assert_int_equal(message_parse(pool, str_of(mail), &mail_limits_default, &message, &err), 0);
    assert_int_equal(mail_text_make(pool, message, &text, &err), 0);
    input.message = message;
    input.text = text;
    if (ruleset_run(set, scratch, &input, pool, &result, &err) < 0)
        fail_msg("%s", err.text);
    bool hit = result.n_hits > 0;
    rules_scratch_free(&scratch);
    ruleset_free(&set);
    pool_free(&pool);
    return hit;
}

static void check(const char *call, const char *mail, bool expected)
{
    char rule[1000];
    snprintf(rule, sizeof rule, "body X eval:%s\nscore X 1", call);
    if (hits_with(rule, mail, NULL) != expected)
        fail_msg("%s: not %d", call, expected);
}

static const char plain[] = "From: a@b.example\nSubject: Short notes\n\n"
                            "One line here\n\nAnother line\n\n-- \nsome signature\n";

static const char mixed[] =
    "From: a@b.example\nSubject: Offer\nContent-Type: multipart/mixed; boundary=x\n\n"
    "--x\nContent-Type: multipart/alternative; boundary=y\n\n"
    "--y\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n"
    "=41=42=43 words here=20=20\n--y\nContent-Type: text/html\n\n"
    "<html><head><title>Offer of the day</title></head><body><p>quite other words"
    " stand here now<img src=\"http://p.b.example/x\" width=100 height=50>"
    "<a href=\"http://one.example/\">https://two.example/</a>"
    "<a href=\"http://192.0.2.1/\">https://bank.example/</a>"
    "<iframe src=\"http://f.example/\"></iframe></body>\n--y--\n"
    "--x\nContent-Type: image/gif; name=\"a.gif\"\nContent-Transfer-Encoding: base64\n"
    "Content-Disposition: attachment\n\nR0lGODlhQAHwAIAAAA==\n"
    "--x\nContent-Type: application/pdf; name=\"b.pdf\"\n\n"
    "%PDF-1.4\n/Producer(GPL Ghostscript)\n/Image /Width 10/Height 20\n--x--\n";

static void counts_mime(void **state)
{
    check("check_for_mime('mime_base64_count')", mixed, true);
    check("check_for_mime('mime_qp_count')", mixed, true);
    check("check_for_mime('mime_attachment')", mixed, true);
    check("check_for_mime('mime_faraway_charset')", mixed, true);
    check("check_for_mime('mime_multipart_alternative')", mixed, true);
    check("check_for_mime('mime_missing_boundary')", mixed, false);
    check("check_for_mime('mime_qp_long_line')", mixed, false);
    check("check_for_mime('no_such_count')", mixed, false);
    check("check_for_mime('mime_base64_count')", plain, false);
    check("check_for_mime_html()", mixed, true);
    check("check_for_mime_html_only()", mixed, false);
    check("check_ma_non_text()", mixed, false);
    check("check_qp_ratio(0.11)", mixed, true); /* 3 of 26 bytes: what ends a line is no waste */
    check("check_qp_ratio(0.12)", mixed, false);
    check("check_base64_length(20, 20)", mixed, true);
    check("check_base64_length(21)", mixed, false);
    check("check_mime_multipart_ratio(0, 0.5)", mixed, true);
}

static void finds_odd_text(void **state)
{
    check("check_for_ascii_text_illegal()", plain, false);
    check("check_for_ascii_text_illegal()", "Subject: x\n\ncaf\xe9\n", true);
    check("check_abundant_unicode_ratio(0.5)", "Subject: x\n\n&#x0444;&#x0430;a\n", true);
    check("check_abundant_unicode_ratio(1.5)", "Subject: x\n\n&#x0444;&#x043g;a\n", false);
    check("check_msg_parse_flags('missing_mime_headers')",
          "Content-Type: multipart/mixed; boundary=x\n\n--x\n\ntext\n--x--\n", true);
    check("check_msg_parse_flags('missing_mime_headers')", mixed, false);
}

static void measures_text(void **state)
{
    check("check_blank_line_ratio(30, 40, 1)", plain, true); /* 2 of 6 */
    check("check_blank_line_ratio(0, 30, 1)", plain, false);
    check("check_blank_line_ratio(0, 100, 7)", plain, true); /* too few lines: -1 */
    check("check_blank_line_ratio(10, 100, 7)", plain, false);
    check("check_body_length(60)", plain, true);
    check("check_body_length(40)", plain, false);
    check("plaintext_body_length(29, 29)", plain, true);
    check("plaintext_sig_length(10, 20)", plain, true);
    check("plaintext_body_sig_ratio(1, 2)", plain, true);
    check("plaintext_sig_length(0, 0)", "Subject: x\n\nno signature\n", true);
    check("tvd_vertical_words(10, 30)", plain, true);
    check("check_for_uppercase(50, 100)",
          "Subject: x\n\n"
          "BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY\n"
          "BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY\n"
          "BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY THIS NOW BUY\n",
          true);
    check("check_for_uppercase(0, 100)", plain, false); /* too short */
}

static void finds_share_spam(void **state)
{
    static const char mail[] = "Subject: x\n\nCompany: Y Inc\nS t o x c k : ABC\nSymbol : ABC\n"
                               "5-day target: $4\nCompany: again\nTarget:\n";
    check("check_stock_info(4)", mail, true);
    check("check_stock_info(5)", mail, false);
    check("check_stock_info(1)", plain, false);
}

static void compares_alternatives(void **state)
{
    check("multipart_alternative_difference(50, 100)", mixed, true);
    check("multipart_alternative_difference(0, 10)", plain, true);
    check("multipart_alternative_difference_count(0.1, 2)", mixed, true);
    check("multipart_alternative_difference_count(3, 1)", mixed, false);
}

static void finds_other_scripts(void **state)
{
    static const char mail[] = "Subject: x\nContent-Type: text/plain; charset=utf-8\n\n"
                               "\xd0\xb4\xd0\xb0\xd0\xb4\xd0\xb0 \xd0\xb4\n";
    check("check_body_8bits()\nok_languages en fr", mail, true);
    check("check_body_8bits()\nok_languages en fr", plain, false);
    check("check_body_8bits()\nok_languages en ru", mail, false);
    check("check_body_8bits()", mail, false); /* all languages are welcome */
}

static void looks_at_html(void **state)
{
    check("html_tag_exists('body')", mixed, true);
    check("html_tag_exists('bgsound')", mixed, false);
    check("html_tag_balance('html', '!= 0')", mixed, true);
    check("html_tag_balance('body', '!= 0')", mixed, false);
    check("html_test('html')", mixed, true);
    check("html_test('embeds')", mixed, false);
    check("html_range('image_area', 4999, 5000)", mixed, true);
    check("html_range('image_area', 5000, 'inf')", mixed, false);
    check("html_eval('image_area', '== 5000')", mixed, true);
    check("html_eval('image_area', 'nonsense')", mixed, false);
    check("html_text_match('title', '^Offer')", mixed, true);
    check("html_text_not_match('title', '^Offer')", mixed, false);
    check("html_title_subject_ratio(2)", mixed, true);
    check("html_image_only(0, 10000)", mixed, true);
    check("html_image_ratio(0, 0.1)", mixed, true);
    check("check_iframe_src()", mixed, true);
    check("html_tag_exists('body')", plain, false);
}

static void looks_at_links(void **state)
{
    check("check_https_ip_mismatch()", mixed, true);
    check("check_https_ip_mismatch()", plain, false);
    check("check_https_http_mismatch(1, 10)", mixed, true);
    check("check_https_http_mismatch(2)", mixed, false); /* the address is no domain */
    check("check_uri_truncated()", mixed, false);
    check("check_for_http_redirector()", "Subject: x\n\nhttp://a.example/?u=http://b.example/ ok\n",
          true);
    check("check_for_http_redirector()",
          "Subject: x\n\nhttp://w.a.example/?u=http://a.example/ ok\n", false);
    check("short_url()", "Subject: x\n\nhttp://bit.example/abc\n", true);
    check("short_url()", "Subject: x\n\nhttp://www.bit.example/abc\n", true);
    check("short_url()", "Subject: x\n\nhttp://bit.example/\n", false);
    check("short_url()", "Subject: x\n\nhttp://me.short.example/\n", true);
    check("short_url()", "Subject: x\n\nhttp://wwwme.short.example/\n", false);
}

static void looks_at_files(void **state)
{
    check("image_count('gif', 1, 1)", mixed, true);
    check("image_count('png', 1)", mixed, false);
    check("image_size_exact('all', 240, 320)", mixed, true);
    check("image_size_range('gif', 100, 100, 300, 319)", mixed, false);
    check("image_named('a.gif')", mixed, true);
    check("image_name_regex('/^A\\./i')", mixed, true);
    check("pixel_coverage('all', 76800, 76800)", mixed, true);
    check("image_to_text_ratio('all', 0, 0.01)", mixed, true);
    check("pdf_count(1, 1)", mixed, true);
    check("pdf_image_count(1, 1)", mixed, true);
    check("pdf_pixel_coverage(200, 200)", mixed, true);
    check("pdf_match_details('producer', '/^gpl/i')", mixed, true);
    check("pdf_match_details('author', '/./')", mixed, false);
    check("pdf_name_regex('/\\.pdf$/')", mixed, true);
    check("pdf_is_encrypted()", mixed, false);
    check("pdf_is_empty_body()", mixed, false);
}

static void takes_bayes_when_told(void **state)
{
    static const char rule[] = "body X eval:check_bayes(0.8, 0.99)\nscore X 1";
    const double spam = 0.9, ham = 0.8;
    assert_false(hits_with(rule, plain, NULL));
    assert_true(hits_with(rule, plain, &spam));
    assert_false(hits_with(rule, plain, &ham));
}

static void knows_what_is_not_run(void **state)
{
    check("check_razor2()", plain, false);
    assert_non_null(eval_absent_reason(STR("check_razor2")));
    assert_null(eval_absent_reason(STR("check_for_mime")));
    assert_null(eval_absent_reason(STR("nonsense")));
}

static void check_detail(const char *conditions, bool expected)
{
    char rule[1000];
    snprintf(rule, sizeof rule, "uri_detail X %s\nscore X 1", conditions);
    if (hits_with(rule, mixed, NULL) != expected)
        fail_msg("%s: not %d", conditions, expected);
}

static void finds_details_of_links(void **state)
{
    check_detail("text =~ /two\\.example/ raw =~ /one/", true);
    check_detail("text =~ /two\\.example/ raw !~ /one/", false);
    check_detail("type =~ /^iframe$/ domain =~ /^f\\.example$/", true);
    check_detail("type =~ /^form$/", false);
    check_detail("host =~ m!^p\\.b\\.!", true);
}

static void refuses_bad_details(void **state)
{
    static const char *const wrong[] = {"",          "raw",        "colour =~ /x/",
                                        "raw = /x/", "raw =~ /x",  "raw =~ /x/ and",
                                        "raw =~ //", "raw =~ /(/", "text =~ x"};
    struct pool *pool = pool_new(1 << 20);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = {""};
        if (uri_detail_parse(pool, str_of(wrong[i]), &err))
            fail_msg("%s was taken", wrong[i]);
        assert_true(err.text[0] != 0);
    }
    pool_free(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_mime),           cmocka_unit_test(finds_odd_text),
        cmocka_unit_test(measures_text),         cmocka_unit_test(finds_share_spam),
        cmocka_unit_test(compares_alternatives), cmocka_unit_test(finds_other_scripts),
        cmocka_unit_test(looks_at_html),         cmocka_unit_test(looks_at_links),
        cmocka_unit_test(looks_at_files),        cmocka_unit_test(takes_bayes_when_told),
        cmocka_unit_test(knows_what_is_not_run), cmocka_unit_test(finds_details_of_links),
        cmocka_unit_test(refuses_bad_details),
    };
    return tap_run(tests, NULL, NULL);
}
